import type { Environment } from './environment';
import type { Summary } from './statistics';

/** One line of a benchmark's table: the same measured for Holdfast and for a peer, in the same run. */
export interface Comparison {
  /** Stable name for programs. */
  readonly id: string;
  /** For people, at most 27 characters. */
  readonly title: string;
  readonly unit: 'tasks/s' | 'ms' | 'µs';
  readonly holdfast: Summary;
  readonly peer: Summary;
  /** Holdfast : peer, the median of the rounds' own ratios. Over 1 is better for rates, worse for times. */
  readonly ratio: number;
}

export interface Report {
  readonly benchmark: string;
  /** The peer's name and version. */
  readonly peer: string;
  readonly environment: Environment;
  /** Name to value, for people. */
  readonly settings: Readonly<Record<string, string>>;
  readonly comparisons: readonly Comparison[];
}

const TITLE_WIDTH = 27;
const MEDIAN_WIDTH = 9;
const RANGE_WIDTH = 14;
const RATIO_WIDTH = 6;

/** The report as text of at most 80 columns. */
export function reportText(report: Report): string {
  const { environment, settings } = report;
  const facts = {
    ...environment.versions,
    machine: `${environment.cores} cores, ${environment.platform}`,
    ...settings,
  };
  const factWidth = Math.max(...Object.keys(facts).map((name) => name.length));
  const both = MEDIAN_WIDTH + RANGE_WIDTH;
  const title = `benchmark "${report.benchmark}", medians (lowest-highest round)`;
  return [
    title,
    '',
    ...Object.entries(facts).flatMap(([name, value]) => wrapped(name.padEnd(factWidth + 2), value)),
    '',
    ''.padEnd(TITLE_WIDTH) + 'Holdfast'.padStart(both) + report.peer.padStart(both) + 'ratio'.padStart(RATIO_WIDTH),
    ...report.comparisons.map(line),
    '',
    `ratio = Holdfast : ${report.peer}, the median of the rounds' own ratios.`,
    'Over 1 is better for tasks a second and worse for times.',
    'The two do not promise the same: see bench/README.md.',
  ].join('\n');
}

function line({ title, unit, holdfast, peer, ratio }: Comparison): string {
  const cells = [holdfast, peer].map(
    (summary) =>
      figure(summary.median, unit).padStart(MEDIAN_WIDTH) +
      ` (${short(summary.min, unit)}-${short(summary.max, unit)})`.padEnd(RANGE_WIDTH),
  );
  return title.padEnd(TITLE_WIDTH) + cells.join('') + ratio.toFixed(2).padStart(RATIO_WIDTH);
}

function figure(value: number, unit: Comparison['unit']): string {
  return unit === 'tasks/s' ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
}

function short(value: number, unit: Comparison['unit']): string {
  if (unit !== 'tasks/s') return value.toFixed(1);
  return `${(value / 1000).toFixed(value < 99_950 ? 1 : 0)}k`;
}

/** A value that is too long for 80 columns goes on under itself. */
function wrapped(name: string, value: string): string[] {
  const room = 80 - name.length;
  const lines: string[] = [];
  let current = '';
  for (const word of value.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > room) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current].map((text, i) => (i === 0 ? name : ''.padEnd(name.length)) + text);
}
