import type { Environment } from './environment';
import type { Summary } from './statistics';

/** One line of a benchmark's table: the same measured for what is judged and for a peer, in the same run. */
export interface Comparison {
  /** Stable name for programs. */
  readonly id: string;
  /** For people, at most 27 characters. */
  readonly title: string;
  readonly unit: 'tasks/s' | 'requests/s' | 'ms' | 'µs';
  readonly subject: Summary;
  readonly peer: Summary;
  /** Subject : peer, the median of the rounds' own ratios. Over 1 is better for rates, worse for times. */
  readonly ratio: number;
}

export interface Report {
  readonly benchmark: string;
  /** What is judged, at most 13 characters. */
  readonly subject: string;
  /** The peer's name and version. */
  readonly peer: string;
  readonly environment: Environment;
  /** Name to value, for people. */
  readonly settings: Readonly<Record<string, string>>;
  readonly comparisons: readonly Comparison[];
  /** Lines of at most 80 characters under the table: how to read it. */
  readonly notes: readonly string[];
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
    ''.padEnd(TITLE_WIDTH) + report.subject.padStart(both) + report.peer.padStart(both) + 'ratio'.padStart(RATIO_WIDTH),
    ...report.comparisons.map(line),
    '',
    `ratio = ${report.subject} : ${report.peer}, the median of the rounds' own ratios.`,
    ...report.notes,
  ].join('\n');
}

function line({ title, unit, subject, peer, ratio }: Comparison): string {
  const cells = [subject, peer].map(
    (summary) =>
      figure(summary.median, unit).padStart(MEDIAN_WIDTH) +
      ` (${short(summary.min, unit)}-${short(summary.max, unit)})`.padEnd(RANGE_WIDTH),
  );
  return title.padEnd(TITLE_WIDTH) + cells.join('') + ratio.toFixed(2).padStart(RATIO_WIDTH);
}

function figure(value: number, unit: Comparison['unit']): string {
  return unit.endsWith('/s') ? Math.round(value).toLocaleString('en-US') : value.toFixed(value < 1000 ? 1 : 0);
}

function short(value: number, unit: Comparison['unit']): string {
  if (!unit.endsWith('/s')) return value.toFixed(value < 1000 ? 1 : 0);
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
