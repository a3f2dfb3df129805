import { pino } from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';

/**
 * One JSON line an event: level as a word, time in ISO 8601, the process's kind and id. Credentials that get into the
 * fields by mistake are replaced.
 */
export function createLogger(kind: string, level: string, pid: number, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { process: kind, pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
    redact: ['authorization', '*.authorization', 'password', '*.password', 'connectionString', '*.connectionString'],
  };
  return pino(options, destination ?? standardOutput());
}

/**
 * Standard output, which outlives its reader: pino's own destination writes a line that nobody can read any more again
 * and again for ever, and the process then never ends.
 */
function standardOutput(): DestinationStream {
  process.stdout.on('error', () => undefined);
  return process.stdout;
}

/** Only what helps: a database error's other fields (`detail`, `where`) repeat the data that it failed on. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}
