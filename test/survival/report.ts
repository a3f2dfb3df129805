import { provenanceText } from './provenance';
import type { Provenance } from './provenance';
import type { Facts, RecoverySince, Verdict } from './row';
import { ROWS_ELSEWHERE, where } from './row-elsewhere';
import { byPlace, ROWS } from './rows';
import { STANDSTILL_SECONDS } from './trial';

/** What a report is about. */
export interface Reported {
  /** Whether every row was run: then the report names those that other commands bring as well. */
  readonly all: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** How a report names what the others name differently. */
interface Words {
  readonly repeated: string;
  readonly since: Readonly<Record<RecoverySince, string>>;
}

/** Narrow, as the table is at most 80 columns wide. */
const SHORT: Words = { repeated: 'twice', since: { fault: 'fault', healing: 'heal' } };
const LONG: Words = { repeated: 'repeated', since: { fault: 'since fault', healing: 'since healing' } };

const COLUMNS = ['row', 'accepted', 'done', 'other', 'effects', SHORT.repeated, 'lost', 'recovery', 'verdict'];

/** How to read the columns; lines of at most 80 characters. */
function legend({ repeated, since }: Words): string[] {
  return [
    'accepted: tasks whose id a caller was told of.',
    'done: all tasks of the ledger, so also those of schedules, and those whose',
    '  caller got no answer because the fault took it.',
    'effects: rows of probes alone; two of five of the load leave none, and are',
    '  checked by their results and attempts.',
    `${repeated}: more than one effect.`,
    'lost: told or in the ledger, and not done or without its effect.',
    'So done and effects may exceed accepted; each effect belongs to one done task,',
    'which is checked one by one.',
    'recovery: the longest time in s until what the row promises was back, be it a',
    "  lost worker's tasks, the lists, or every way in and every worker at full",
    `  speed; "${since.fault}" from the fault on, "${since.healing}" from the end of its healing.`,
  ];
}

/** Every row of the list and what must hold. */
export function list(): string {
  const run = ROWS.map(({ id, fault, mustHold }) => ({ id, text: `${fault}: ${mustHold}` }));
  const elsewhere = ROWS_ELSEWHERE.map((row) => ({
    id: row.id,
    text: `${row.fault}: ${row.mustHold} (${where(row)})`,
  }));
  return [...run, ...elsewhere]
    .sort(byPlace)
    .map(({ id, text }) => `${id.padEnd(4)} ${text}`)
    .join('\n');
}

/** One line a row, at most 80 columns wide, and below it what broke. */
export function table(verdicts: readonly Verdict[], { all }: Pick<Reported, 'all'>): string {
  const lines = [COLUMNS, ...verdicts.map(cells), sums(verdicts)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 || column === 8 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [
    ...text,
    ...verdicts.flatMap(({ row: { id, simulated }, broken }) => [
      ...(simulated === undefined ? [] : [`${id}: SIMULATED by ${simulated}`]),
      ...broken.map((sentence) => `${id}: ${sentence}`),
    ]),
    ...(all ? ROWS_ELSEWHERE.map((row) => `${row.id}: ${where(row)}`) : []),
    '',
    ...legend(SHORT),
  ].join('\n');
}

/** For `docs/evidence`. */
export function markdown(
  verdicts: readonly Verdict[],
  { all, seed, provenance, command }: { readonly command: string } & Reported,
): string {
  const rows = verdicts.map(({ row, facts: counts, broken, notes }) =>
    [
      row.id,
      `${row.fault}${row.simulated === undefined ? '' : ` (SIMULATED: ${row.simulated})`}`,
      counts.accepted,
      counts.done,
      counts.otherwise,
      counts.effects,
      counts.repeated,
      counts.lost ?? 'not counted',
      recovery(counts, LONG),
      standstill(counts),
      broken.length === 0 ? 'held' : `BROKEN: ${broken.join('; ')}`,
      notes.join('; '),
    ].join(' | '),
  );
  return [
    '# What was survived',
    '',
    `\`${command}\`, seed ${seed}. ${provenanceText(provenance)}`,
    '',
    '| row | fault | accepted | done | otherwise | effects | repeated | lost | recovery (s) | standstill (s) | verdict | seen |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    legend(LONG)
      .map((line) => line.trim())
      .join(' '),
    'standstill: the longest time for which a worker that was well did nothing beside a backlog; at most 5 s, or what is given.',
    '',
    ...(all ? elsewhere() : []),
  ].join('\n');
}

function elsewhere(): string[] {
  return [...ROWS_ELSEWHERE.map((row) => `- ${row.id}, ${row.fault} (${row.mustHold}): ${where(row)}`), ''];
}

export function json(verdicts: readonly Verdict[], { seed, all, provenance }: Reported): string {
  return JSON.stringify(
    {
      ...provenance,
      seed,
      held: verdicts.every(({ broken }) => broken.length === 0),
      rows: verdicts.map(({ row: { id, fault, mustHold, simulated }, ...rest }) => ({
        id,
        fault,
        mustHold,
        simulated,
        ...rest,
      })),
      ...(all && { elsewhere: ROWS_ELSEWHERE }),
    },
    null,
    2,
  );
}

function cells({ row, facts, broken }: Verdict): string[] {
  const { accepted, done, otherwise, effects, repeated, lost } = facts;
  return [
    row.id,
    ...[accepted, done, otherwise, effects, repeated, lost ?? '?'].map(String),
    recovery(facts, SHORT),
    broken.length === 0 ? (row.simulated === undefined ? 'held' : 'held SIMULATED') : 'BROKEN',
  ];
}

function sums(verdicts: readonly Verdict[]): string[] {
  const sum = (of: 'accepted' | 'done' | 'otherwise' | 'effects' | 'repeated' | 'lost'): string =>
    String(verdicts.reduce((total, { facts }) => total + (facts[of] ?? 0), 0)) +
    (verdicts.some(({ facts }) => facts[of] === undefined) ? '+?' : '');
  const held = verdicts.filter(({ broken }) => broken.length === 0).length;
  return [
    'all',
    ...[sum('accepted'), sum('done'), sum('otherwise'), sum('effects'), sum('repeated'), sum('lost')],
    '',
    `${held} of ${verdicts.length} held`,
  ];
}

function recovery({ recoverySeconds, recoverySince }: Facts, { since }: Words): string {
  if (recoverySeconds === undefined || recoverySince === undefined) return '';
  return `${seconds(recoverySeconds)} ${since[recoverySince].padEnd(since.fault.length)}`;
}

function standstill({ standstillSeconds, standstillLimitSeconds = STANDSTILL_SECONDS }: Facts): string {
  const most = standstillLimitSeconds === STANDSTILL_SECONDS ? '' : ` (at most ${standstillLimitSeconds})`;
  return seconds(standstillSeconds) + most;
}

function seconds(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(1);
}
