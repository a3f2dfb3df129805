import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOCAL_RUN } from '../../../app/src/contract';
import { pause } from '../aws/services';
import { similarTo } from '../../config/similar';
import { missingError } from '../exit-codes';
import type { LogLine } from './log-line';

const POLL_MS = 500;

/** A file of the local run's logs. @throws OperationsError that names those that there are. */
export function localLogFile(root: string, process: string): string {
  const folder = join(root, LOCAL_RUN.folder, 'logs');
  const names = existsSync(folder)
    ? readdirSync(folder).flatMap((name) => (name.endsWith('.log') ? [name.slice(0, -'.log'.length)] : []))
    : [];
  if (names.includes(process)) return join(folder, `${process}.log`);
  if (names.length === 0) {
    throw missingError(`There are no logs in ${LOCAL_RUN.folder}/logs: start the local app with npm start.`);
  }
  const meant = similarTo(process, names);
  throw missingError(
    `The process is "${process}"; allowed is ${names.sort().join(' or ')}${meant === undefined ? '' : `: write ${meant}`}.`,
  );
}

export interface LocalQuery {
  readonly file: string;
  readonly process: string;
  readonly words?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export function localLines({ file, process, words, since }: LocalQuery): LogLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && (words === undefined || line.includes(words)))
    .map((message) => ({ at: timeOf(message), from: process, message }))
    .filter(({ at }) => at.getTime() >= since);
}

/** Hands on lines as they come, until Ctrl-C is pressed. @throws when it is. */
export async function followLocal(
  query: LocalQuery,
  { take, signal }: { readonly take: (line: LogLine) => void; readonly signal: AbortSignal },
): Promise<never> {
  let taken = 0;
  for (;;) {
    const lines = localLines(query);
    // Another start writes the file anew.
    if (lines.length < taken) taken = 0;
    lines.slice(taken).forEach(take);
    taken = lines.length;
    await pause(POLL_MS, signal);
  }
}

/** Lines of the servers carry no time that is known here; they count as of now. */
function timeOf(message: string): Date {
  const [, time] = /"time":("[^"]+"|\d+)/.exec(message) ?? [];
  const date = time === undefined ? new Date() : new Date(JSON.parse(time) as string | number);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
