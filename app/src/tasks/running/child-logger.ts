import type { TaskLogger } from '../types';

/** A logger that adds `fields` to every line. */
export function childLogger(logger: TaskLogger, fields: object): TaskLogger {
  return {
    debug: (more, message) => logger.debug({ ...fields, ...more }, message),
    info: (more, message) => logger.info({ ...fields, ...more }, message),
    warn: (more, message) => logger.warn({ ...fields, ...more }, message),
    error: (more, message) => logger.error({ ...fields, ...more }, message),
  };
}
