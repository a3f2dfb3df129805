import { provenanceText } from './provenance';
import type { Provenance } from './provenance';
import type { Verdict } from './row';
import { ROWS_ELSEWHERE, where } from './row-elsewhere';
import { byPlace, ROWS } from './rows';

const COLUMNS = ['row', 'accepted', 'done', 'other', 'effects', 'repeated', 'lost', 'recovery', 'verdict'] as const;

/** What a report is about. */
export interface Reported {
  /** Whether every row was run: then the report names those that other commands bring as well. */
  readonly all: boolean;
  readonly seed: number;
  readonly provenance: Provenance;
}

/** How to read the columns; lines of at most 80 characters. */
const LEGEND = [
  'accepted: tasks whose id a caller was told of.',
  'done: all tasks of the ledger, so also those of schedules, and those whose',
  '  caller got no answer because the fault took it.',
  'effects: rows of probes alone.',
  'repeated: more than one effect.',
  'lost: told or in the ledger, and not done or without its effect.',
  'So done and effects may exceed accepted; each effect belongs to one done task,',
  'which is checked one by one.',
];

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
    ...LEGEND,
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
      seconds(counts.recoverySeconds),
      seconds(counts.standstillSeconds),
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
    LEGEND.map((line) => line.trim()).join(' '),
    'standstill: the longest time for which a worker that was well did nothing beside a backlog.',
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
  const { accepted, done, otherwise, effects, repeated, lost, recoverySeconds } = facts;
  return [
    row.id,
    ...[accepted, done, otherwise, effects, repeated, lost ?? '?'].map(String),
    seconds(recoverySeconds),
    broken.length === 0 ? (row.simulated === undefined ? 'held' : 'held (SIMULATED)') : 'BROKEN',
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

function seconds(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(1);
}
