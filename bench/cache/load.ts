import autocannon from 'autocannon';
import type { Instance, Result } from 'autocannon';
import { Writer } from './writer';

export interface Load {
  readonly requestsPerSecond: number;
  /** 99th percentile in milliseconds. */
  readonly p99: number;
  readonly answers: number;
}

export const CONNECTIONS = 100;

interface Asked {
  least?: number;
}

/**
 * Asks for `path` over CONNECTIONS connections, each waiting for its answer before it asks again.
 * @throws Error when an answer is not 200, or does not show a change that had been answered before it was asked for.
 */
export async function load(
  url: string,
  path: string,
  seconds: number,
  writer: Writer,
  signal: AbortSignal,
): Promise<Load> {
  const wrong = { stale: 0, failed: 0, first: '' };
  const run = autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [
      {
        path,
        setupRequest: (request, context) => {
          (context as Asked).least = writer.answered;
          return request;
        },
        onResponse: (status, body, context) => {
          const { least = 0 } = context as Asked;
          if (status !== 200) wrong.failed += 1;
          else if (Writer.shown(body) < least) wrong.stale += 1;
          else return;
          wrong.first ||= `status ${status}, change ${Writer.shown(body)} where ${least} was answered`;
        },
      },
    ],
  });
  // The promise is the running instance as well; its types do not say so.
  const abort = (): void => (run as unknown as Instance).stop();
  signal.addEventListener('abort', abort, { once: true });
  const result: Result = await run;
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (wrong.stale + wrong.failed + result.errors > 0) {
    throw new Error(`${wrong.stale} stale and ${wrong.failed + result.errors} failed answers (${wrong.first})`);
  }
  return {
    requestsPerSecond: result.requests.total / result.duration,
    p99: result.latency.p99,
    answers: result.requests.total,
  };
}
