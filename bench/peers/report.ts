import { provenanceText } from '../../test/survival/provenance';
import type { Provenance } from '../../test/survival/provenance';
import type { Cell } from './cell';
import { cellOf, HARMS, harms, verdict } from './cell';
import type { Counts } from './counting';
import type { Fault } from './faults';
import type { System } from './system';
import type { Outcome, Poison } from './trial';
import { BURST, CONCURRENCY, HALF_MS, RATE } from './workload';

export interface Report {
  readonly provenance: Provenance;
  /** How often each trial was made. */
  readonly rounds: number;
  /** Trials at the same time. */
  readonly atOnce: number;
  readonly systems: readonly System[];
  readonly faults: readonly Fault[];
  readonly outcomes: readonly ({ readonly round: number } & Outcome)[];
  /** A sentence for each that was not measured. */
  readonly leftOut: readonly string[];
}

const LOAD =
  `${RATE} requests a second, each of which commits a row of its own and brings one task; ${BURST} more at once ` +
  `before the fault; two workers with ${CONCURRENCY} tasks at a time of ${2 * HALF_MS} ms, each writing one row.`;

const FATES: Readonly<Record<Poison['fate'], string>> = {
  failed: 'shown as failed',
  tried: 'still tried at the end',
  gone: 'gone, and nothing shows it',
};

/** How to read the columns. */
const LEGEND = [
  'refused: the caller was told no, or nothing because the producer was killed.',
  'at risk: accepted before the fault, and not done when it came.',
  'lost: the caller was told that it is accepted; it was never done, and nothing',
  '  shows it.',
  "failed: never done, but the system's own store shows it as failed.",
  'orphaned: the producer was killed after it had committed the row of its own,',
  '  and no task was ever done for it.',
  'repeated: done more than once. The handlers are the same plain insert; one that',
  '  is idempotent by itself would hide it.',
  'again: seconds until a task sent after the fault was done; callers send for 10 s',
  '  after its end, or for 40 s if nothing is done.',
  'recovered: seconds until every task accepted before the fault was done.',
  'A fault that comes several times: the most at risk, and the longest seconds.',
  'Beside Holdfast: what the peer did more of, then what Holdfast did more of;',
  '  refuses more: told more callers no; slower: twice as long and 5 s more,',
  '  which after the loss of a worker is what the time-outs above say;',
  '  "as well": none of these.',
  'Poison: the one task that kills; it is in no column. With maxStalledCount 1,',
  '  its default, BullMQ would show it as failed, and also others lost twice.',
  "R6-frozen outlasts BullMQ's lock of 10 s, and not its default of 30 s.",
];

const COLUMNS = ['', 'accepted', 'refused', 'at risk', 'lost', 'failed', 'orphaned', 'repeated', 'again', 'recovered'];
const WIDTHS = [8, 9, 8, 8, 5, 7, 9, 9, 6, 10];

/** The result as text of at most 80 columns, with what is said of a row under it. */
export function table(report: Report): string {
  const rows = report.faults.flatMap((fault) => [
    '',
    `${fault.id}: ${titleOf(fault)}; ${redisOf(fault)}`,
    ...cellsOf(report, fault).flatMap((cell) => {
      const said = wordsOf(report, cell);
      return [line(row(cell)), ...(said === '' ? [] : [`  ${said}`])];
    }),
  ]);
  return [line(COLUMNS), ...rows, '', ...LEGEND, roundsOf(report), ...notes(report)].join('\n');
}

const UNITS: Readonly<Record<string, string>> = { again: 'again (s)', recovered: 'recovered (s)' };

/** For `docs/evidence`. */
export function markdown(report: Report, command: string): string {
  const { provenance, systems } = report;
  const head = ['fault', 'Redis', 'system', ...COLUMNS.slice(1).map((name) => UNITS[name] ?? name), 'beside Holdfast'];
  const rows = report.faults.flatMap((fault) =>
    cellsOf(report, fault).map((cell) => [
      ...[`${fault.id}: ${titleOf(fault)}`, redisOf(fault)],
      ...[...row(cell), wordsOf(report, cell)],
    ]),
  );
  return [
    '# The same faults on Holdfast, BullMQ and Celery',
    '',
    `\`${command}\`. ${provenanceText(provenance)}`,
    'Sources of the settings, and what is not comparable: [bench/peers](../../bench/peers/README.md).',
    '',
    ...systems.map(({ name, version, settings }) => `- ${[name, version].join(' ').trim()}: ${settings.join('; ')}.`),
    `- Load, the same for all: ${LOAD}`,
    `- ${roundsOf(report)}`,
    '',
    `| ${head.join(' | ')} |`,
    `| --- | --- | --- |${' ---: |'.repeat(COLUMNS.length - 1)} --- |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...LEGEND.map((text) => text.replace(/^(?! )/, '- ')),
    ...notes(report).map((sentence) => `- ${sentence}`),
    '',
  ].join('\n');
}

export function json(report: Report): string {
  const { provenance, rounds, atOnce, systems, outcomes, leftOut } = report;
  return JSON.stringify(
    {
      ...{ ...provenance, rounds, atOnce },
      load: LOAD,
      systems: systems.map(({ id, name, version, settings }) => ({ id, name, version, settings })),
      outcomes: outcomes.map(({ fault: { id, title, simulated, redis }, system, counts, ...rest }) => ({
        ...{ fault: id, title, simulated, redis, system: system.id },
        ...counts,
        ...rest,
      })),
      leftOut,
    },
    null,
    2,
  );
}

/** Whether Holdfast kept what it promises wherever it was measured. */
export function held({ outcomes }: Report): boolean {
  return outcomes
    .filter(({ system }) => system.id === 'holdfast')
    .every(
      ({ fault, counts, settled, poison }) =>
        settled &&
        (poison?.fate ?? 'failed') === 'failed' &&
        HARMS.every((harm) => counts[harm] === 0) &&
        wentOn(fault, counts),
    );
}

/** It works again, and where Redis is away for a while it accepts and works meanwhile. */
function wentOn({ outageSeconds }: Fault, { refused, unanswered, againSeconds = Infinity }: Counts): boolean {
  if (outageSeconds === undefined) return againSeconds < Infinity;
  return refused + unanswered === 0 && againSeconds < outageSeconds;
}

function cellsOf({ outcomes, systems }: Report, fault: Fault): Cell[] {
  return systems.flatMap((system) => {
    const [first, ...more] = outcomes.filter((each) => each.fault === fault && each.system === system);
    return first === undefined ? [] : [cellOf([first, ...more])];
  });
}

function titleOf({ title, simulated }: Fault): string {
  return simulated === undefined ? title : `${title} (SIMULATED)`;
}

function redisOf({ redis: { appendonly = 'no', appendfsync } }: Fault): string {
  return ['appendonly', appendonly, ...(appendfsync === undefined ? [] : [appendfsync])].join(' ');
}

function row({ system, counts }: Cell): string[] {
  const { accepted, refused, unanswered, waiting, lost, failed, orphaned, repeated } = counts;
  return [
    system.name,
    ...[accepted, refused + unanswered, waiting, lost, failed, orphaned, repeated].map(String),
    ...[counts.againSeconds, counts.recoveredSeconds].map((value) => value?.toFixed(1) ?? 'never'),
  ];
}

function wordsOf(report: Report, cell: Cell): string {
  if (!cell.settled) return 'not done';
  const own = cellsOf(report, cell.fault).find(({ system }) => system.id === 'holdfast');
  const said = own === undefined || own.system === cell.system ? harms(cell) : verdict(cell, own);
  return [said, ...cell.poisons.map(poisonText)].filter(Boolean).join('; ');
}

function poisonText({ fate, deaths }: Poison): string {
  return `poison: killed ${deaths} times, ${FATES[fate]}`;
}

function roundsOf({ provenance: { environment }, rounds, atOnce }: Report): string {
  const trials = atOnce === 1 ? 'One trial at a time' : `${atOnce} trials at once`;
  const often = rounds === 1 ? 'each made once' : `each made ${rounds} times: sums, and the longest seconds`;
  return `${trials} on ${environment.cores} cores, ${often}.`;
}

function notes({ faults, systems, outcomes, leftOut }: Report): string[] {
  return [
    ...faults.flatMap(({ id, simulated }) => (simulated === undefined ? [] : [`${id} SIMULATED: ${simulated}.`])),
    ...systems.flatMap(({ id, name }) => {
      const refusals = outcomes.flatMap(({ system, refusal }) => (system.id === id && refusal ? [refusal] : []));
      const [first] = refusals;
      return first === undefined ? [] : [`${name} refused with, among others: ${first}`];
    }),
    ...leftOut,
  ];
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[0] ?? 0) : cell.padStart(WIDTHS[i] ?? 0))).join('');
}
