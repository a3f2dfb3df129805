import { count, counted } from '../output/amounts';
import { GAP, bad, good, text } from '../output/block';
import type { Block, Cell } from '../output/block';
import type { DrillReport } from './drill';
import type { Tally } from './probe-load';

export function reportView(report: DrillReport): Block[] {
  const { before, during, after, broke, seconds } = report;
  return [
    {
      kind: 'table',
      columns: [
        { heading: 'Probes' },
        ...['Accepted', 'Done', 'Open', 'Failed', 'Lost'].map((heading) => ({ heading, align: 'right' as const })),
      ],
      rows: [row('before', before), row('during', during), row('after', after)],
    },
    GAP,
    text(broke),
    text(
      [
        `The longest time without a probe done was ${time(seconds.longestPause)}`,
        ...(seconds.appSilent > 0 ? [`the app did not answer for ${time(seconds.appSilent)}`] : []),
        ...(after.repeated > 0 ? [`${counted(after.repeated, 'attempt')} had to be made again`] : []),
      ].join('; ') + '.',
    ),
    text(verdict(report)),
    ...(report.passed ? [] : [GAP, text('Next: npx holdfast doctor, and npx holdfast logs of a worker.')]),
  ];
}

function row(name: string, { accepted, done, open, failed, missing }: Tally): Cell[] {
  const wrong = (number: number): Cell => (number === 0 ? '0' : bad(count(number)));
  return [name, count(accepted), count(done), count(open), wrong(failed), wrong(missing)];
}

function verdict({ after, passed, seconds }: DrillReport): Cell {
  const done = `${count(after.done)} of ${counted(after.accepted, 'probe')} done`;
  if (passed) {
    return good(
      `Passed: ${done}, ${time(seconds.allDone ?? 0)} after it; whole again after ${time(seconds.whole ?? 0)}.`,
    );
  }
  const wrong = [
    ...(after.missing > 0 ? [`${count(after.missing)} lost`] : []),
    ...(after.failed > 0 ? [`${count(after.failed)} dead, cancelled or parked`] : []),
    ...(after.open > 0 ? [`${count(after.open)} still open`] : []),
    ...(seconds.whole === null ? ['what broke is not whole again'] : []),
  ];
  return bad(`FAILED: ${[done, ...wrong].join(', ')}.`);
}

function time(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}
