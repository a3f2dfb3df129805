import type { LogLevel, TaskLogger } from '../types';
import { lineOf } from './line';
import type { Line } from './line';

/** A logger that also hands its lines to `keep`, at most `lines` of them and then one that says so. */
export function keepingLogger(logger: TaskLogger, lines: number, keep: (line: Line) => void): TaskLogger {
  let kept = 0;
  const method = (level: LogLevel) => (fields: object, message: string) => {
    logger[level](fields, message);
    kept += 1;
    if (kept <= lines) keep(lineOf(level, fields, message));
    else if (kept === lines + 1)
      keep(lineOf('warn', {}, `the attempt logged more than ${lines} lines; no more are kept`));
  };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}
