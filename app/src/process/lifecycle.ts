import type { Logger } from 'pino';
import { ConfigurationError, EXIT_CONFIGURATION } from '../configuration/configuration';

/** Seconds that closing connections may take after the drain budget is used up, before the process gives up. */
const CLOSING_SECONDS = 5;

export interface Stoppable {
  /** Stops taking work, lets what runs finish for at most `drainSeconds`, then closes everything. */
  stop(drainSeconds: number): Promise<void>;
  /** Resolves when the process cannot go on although nothing was thrown: it is stopped and exits with 1. */
  readonly failed?: Promise<Error>;
}

/**
 * Runs a long-lived process: starts it, stops it at SIGTERM or SIGINT and then exits with 0. A second signal exits at
 * once with 1, as does a stop that takes `drainSeconds` and 5 more, and any error that nobody caught. What says that it has
 * failed is stopped as by a signal, and the process exits with 1.
 * @param start may throw the reason of its signal when that ends it before anything has started, which is no failure.
 */
export async function runUntilSignal(
  options: { readonly logger: Logger; readonly drainSeconds: number },
  start: (signal: AbortSignal) => Promise<Stoppable>,
): Promise<void> {
  const { logger, drainSeconds } = options;
  exitOnUncaught(logger);
  const stopping = new AbortController();
  const starting = start(stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted && error === stopping.signal.reason) return undefined;
    return exitNow(logger, { err: error }, 'start failed');
  });
  const stopped = new Promise<NodeJS.Signals | Error>((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) exitNow(logger, { signal }, 'second signal, exiting at once');
      asked = true;
      stopping.abort();
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    void starting.then((running) => void running?.failed?.then(resolve));
  });
  const cause = await stopped;
  const failed = cause instanceof Error;
  const began = performance.now();
  if (failed) logger.fatal({ err: cause, drainSeconds }, 'failed, stopping');
  else logger.info({ signal: cause, drainSeconds }, 'stopping');
  const limit = setTimeout(
    () => exitNow(logger, { drainSeconds }, 'stopping took longer than the drain budget'),
    (drainSeconds + CLOSING_SECONDS) * 1000,
  );
  try {
    await (await starting)?.stop(drainSeconds);
  } catch (error) {
    exitNow(logger, { err: error }, 'stop failed');
  }
  clearTimeout(limit);
  logger.info({ durationMs: Math.round(performance.now() - began) }, 'stopped');
  process.exit(failed ? 1 : 0);
}

/** An error that nobody caught leaves the process in an unknown state: say so and let it be started anew. */
export function exitOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => exitNow(logger, { err: error }, 'uncaught exception'));
  process.on('unhandledRejection', (reason) => exitNow(logger, { err: reason }, 'unhandled rejection'));
}

/** Reads the configuration or ends the process with exit code 78 and one line a mistake on standard error. */
export function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`The configuration is wrong:\n${error.mistakes.map((mistake) => `  ${mistake}\n`).join('')}`);
    process.exit(EXIT_CONFIGURATION);
  }
}

function exitNow(logger: Logger, fields: object, message: string): never {
  logger.fatal(fields, message);
  process.exit(1);
}
