import { paint } from '../output/render';
import type { RenderOptions } from '../output/render';
import type { Tone } from '../output/block';

export interface LogLine {
  readonly at: Date;
  /** Which container or process wrote it. */
  readonly from: string;
  readonly message: string;
}

const TONES: Readonly<Record<string, Tone>> = { warn: 'warning', error: 'bad', fatal: 'bad' };
/** Shown elsewhere in the line, or the same in every line. */
const HIDDEN: readonly string[] = ['level', 'time', 'msg', 'pid', 'process', 'hostname', 'err', 'version'];

/**
 * A line as a person reads it: `06:25:36 a1b2c3 info  import done  rows=3201`. The app writes JSON, one event a line;
 * other lines are shown as they are. Longer ones than the terminal's are not cut: who reads a log looks for something.
 */
export function readableLine({ at, from, message }: LogLine, options: Pick<RenderOptions, 'color'>): string {
  const start = `${paint('quiet', at.toISOString().slice(11, 19), options)} ${from}`;
  const event = parse(message);
  if (event === undefined) return `${start} ${message}`;
  const level = typeof event['level'] === 'string' ? event['level'] : 'info';
  const word = level.padEnd(5);
  const tone = TONES[level];
  const fields = Object.entries(event)
    .filter(([name]) => !HIDDEN.includes(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  return [
    start,
    tone === undefined ? word : paint(tone, word, options),
    typeof event['msg'] === 'string' ? event['msg'] : '',
    ...(fields === '' ? [] : [` ${paint('quiet', fields, options)}`]),
    ...errorOf(event['err']).map((words) => paint('bad', words, options)),
  ].join(' ');
}

function errorOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null || !('message' in error)) return [];
  return [`(${String(error.message)})`];
}

function parse(message: string): Readonly<Record<string, unknown>> | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    return JSON.parse(message) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
