import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { AwsClients } from '../aws/clients';
import { pause } from '../aws/services';
import type { LogLine } from './log-line';

export interface LogQuery {
  readonly group: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Only lines that contain these words as they are. @default - all */
  readonly words?: string | undefined;
}

const POLL_MS = 2_000;
/** A line may be seen this much later than its time says. */
const LATE_MS = 15_000;

/** The last lines of a group, oldest first; at most `limit`. @throws when Ctrl-C is pressed. */
export async function lastLines(
  aws: AwsClients,
  query: LogQuery,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const { line } of eventsOf(aws, query, signal)) {
    lines.push(line);
    if (lines.length > limit) lines.shift();
  }
  return lines;
}

/** Hands on lines as they come, until Ctrl-C is pressed. @throws when it is. */
export async function followLog(
  aws: AwsClients,
  query: LogQuery,
  { take, signal }: { readonly take: (line: LogLine) => void; readonly signal: AbortSignal },
): Promise<never> {
  const seen = new Map<string, number>();
  let newest = query.since;
  for (;;) {
    const since = Math.max(query.since, newest - LATE_MS);
    for await (const { id, line } of eventsOf(aws, { ...query, since }, signal)) {
      if (seen.has(id)) continue;
      seen.set(id, line.at.getTime());
      newest = Math.max(newest, line.at.getTime());
      take(line);
    }
    // What is older is not asked for again.
    for (const [id, at] of seen) if (at < newest - LATE_MS) seen.delete(id);
    await pause(POLL_MS, signal);
  }
}

async function* eventsOf(
  aws: AwsClients,
  { group, since, words }: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<{ readonly id: string; readonly line: LogLine }> {
  let token: string | undefined;
  do {
    signal.throwIfAborted();
    const answer = await aws.logs.send(
      new FilterLogEventsCommand({
        logGroupName: group,
        startTime: since,
        ...(words === undefined ? {} : { filterPattern: `"${words.replaceAll(/["\\]/g, '\\$&')}"` }),
        ...(token === undefined ? {} : { nextToken: token }),
      }),
    );
    for (const { eventId, logStreamName = '', message = '', timestamp = 0 } of answer.events ?? []) {
      const line = { at: new Date(timestamp), from: containerOf(logStreamName), message: message.trimEnd() };
      yield { id: eventId ?? `${timestamp} ${logStreamName} ${message}`, line };
    }
    token = answer.nextToken;
  } while (token !== undefined);
}

/** Streams are called `prefix/container/task id`; the id's beginning tells tasks apart. */
function containerOf(stream: string): string {
  return (stream.split('/').at(-1) ?? stream).slice(0, 8);
}
