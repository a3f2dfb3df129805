import type { Environment } from '../environment';
import type { Fault } from './faults';
import type { System } from './system';
import type { Outcome } from './trial';
import { BURST, CONCURRENCY, HALF_MS, RATE } from './workload';

export interface Report {
  readonly environment: Environment;
  readonly systems: readonly System[];
  readonly faults: readonly Fault[];
  readonly outcomes: readonly Outcome[];
  /** A sentence for each that could not be measured. */
  readonly leftOut: readonly string[];
}

const LOAD =
  `${RATE} requests a second, each of which commits a row of its own and brings one task; ${BURST} more at once ` +
  `before the fault; two workers with ${CONCURRENCY} tasks at a time of ${2 * HALF_MS} ms, each writing one row.`;

/** How to read the columns. */
const LEGEND = [
  'refused: the caller was told no, or nothing because the producer was killed.',
  'lost: the caller was told that it is accepted, and it was never done.',
  'orphaned: the producer was killed after it had committed the row of its own,',
  '  and no task was ever done for it.',
  'repeated: done more than once.',
  'again: seconds until a task sent after the fault was done.',
  'recovered: seconds until every task accepted before the fault was done.',
  'The last column is how a peer compares with Holdfast: "as well", or the worst',
  '  of loses, orphans, repeats, refuses (it told more callers no), slower.',
];

/** Peers that took so much longer than Holdfast, both by share and in seconds, are called slower. */
const SLOWER = { share: 2, seconds: 5 };

const COLUMNS = ['', 'accepted', 'refused', 'lost', 'orphaned', 'repeated', 'again', 'recovered', ''] as const;
const WIDTHS = [10, 9, 8, 6, 9, 9, 7, 10, 0];

/** The result as text of at most 80 columns. */
export function table(report: Report): string {
  const rows = report.faults.flatMap((fault) => [
    '',
    `${fault.id}: ${fault.title}${fault.simulated === undefined ? '' : ' (SIMULATED)'}`,
    ...of(report, fault).map((outcome) => line([...cells(outcome), verdict(report, outcome)])),
  ]);
  return [line(COLUMNS), ...rows, '', ...LEGEND, ...notes(report)].join('\n');
}

/** For `docs/evidence`. */
export function markdown(report: Report, command: string): string {
  const { environment, systems } = report;
  const versions = Object.entries(environment.versions).map(([name, version]) => `${name} ${version}`);
  const head = ['fault', 'system', 'accepted', 'refused', 'lost', 'orphaned', 'repeated', 'again (s)', 'recovered (s)'];
  const rows = report.faults.flatMap((fault) =>
    of(report, fault).map((outcome) => [
      `${fault.id}: ${fault.title}${fault.simulated === undefined ? '' : ' (SIMULATED)'}`,
      ...[...cells(outcome), verdict(report, outcome)],
    ]),
  );
  return [
    '# The same faults on Holdfast, BullMQ and Celery',
    '',
    `\`${command}\` on ${environment.cores} cores: ${versions.join(', ')}.`,
    'Sources of the settings, and what is not comparable: [bench/peers](../../bench/peers/README.md).',
    '',
    ...systems.map(({ name, version, settings }) => `- ${[name, version].join(' ').trim()}: ${settings.join('; ')}.`),
    `- Load, the same for all: ${LOAD}`,
    '',
    `| ${[...head, 'beside Holdfast'].join(' | ')} |`,
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...LEGEND.map((text) => text.replace(/^(?! )/, '- ')),
    ...notes(report).map((sentence) => `- ${sentence}`),
    '',
  ].join('\n');
}

export function json(report: Report): string {
  const { environment, systems, outcomes, leftOut } = report;
  return JSON.stringify(
    {
      environment,
      load: LOAD,
      systems: systems.map(({ id, name, version, settings }) => ({ id, name, version, settings })),
      outcomes: outcomes.map(({ fault: { id, title, simulated }, system, counts, ...rest }) => ({
        ...{ fault: id, title, simulated, system: system.id },
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
    .every(({ counts, settled }) => settled && counts.lost + counts.orphaned + counts.repeated === 0);
}

function of({ outcomes, systems }: Report, fault: Fault): Outcome[] {
  return systems.flatMap((system) => outcomes.filter((each) => each.fault === fault && each.system === system));
}

function cells({ system, counts }: Outcome): string[] {
  const { accepted, refused, unanswered, lost, orphaned, repeated, againSeconds, recoveredSeconds } = counts;
  return [
    system.name,
    ...[accepted, refused + unanswered, lost, orphaned, repeated].map(String),
    ...[againSeconds, recoveredSeconds].map((value) => value?.toFixed(1) ?? 'never'),
  ];
}

/** The worst first: what a peer did more often than Holdfast. */
const WORSE = [
  ['lost', 'loses'],
  ['orphaned', 'orphans'],
  ['repeated', 'repeats'],
  ['refused', 'refuses'],
] as const;

function verdict(report: Report, { fault, system, counts, settled }: Outcome): string {
  if (!settled) return 'not done';
  const own = report.outcomes.find((each) => each.fault === fault && each.system.id === 'holdfast')?.counts;
  if (system.id === 'holdfast' || own === undefined) return '';
  const [, worse] = WORSE.find(([name]) => counts[name] > own[name]) ?? [];
  if (worse !== undefined) return worse;
  const [peerSeconds, ownSeconds] = [counts.recoveredSeconds ?? Infinity, own.recoveredSeconds ?? Infinity];
  const slower = peerSeconds > SLOWER.share * ownSeconds && peerSeconds > ownSeconds + SLOWER.seconds;
  return slower ? 'slower' : 'as well';
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

function line(row: readonly string[]): string {
  return row
    .map((cell, i) => {
      if (i === 0) return cell.padEnd(WIDTHS[0] ?? 0);
      return i === row.length - 1 ? `  ${cell}` : cell.padStart(WIDTHS[i] ?? 0);
    })
    .join('')
    .trimEnd();
}
