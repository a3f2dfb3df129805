import { monotonicMs } from '../pause';
import type { TaskLogger } from '../types';

/** So many failures in a row are no bad luck any more. */
const WORTH_TELLING = 3;

/** Failures in a row of something that is tried again and again: told when they last, and when they are over. */
export class Trouble {
  private failures = 0;
  private toldMs: number | undefined;

  constructor(
    private readonly logger: TaskLogger,
    private readonly fields: object,
    /** How often at most, in seconds. */
    private readonly tellEverySeconds = 60,
  ) {}

  /** @returns how many there have been in a row, this one included. */
  happened(error: unknown): number {
    this.failures += 1;
    const nowMs = monotonicMs();
    const due = this.toldMs === undefined || nowMs - this.toldMs >= this.tellEverySeconds * 1000;
    const fields = { ...this.fields, failures: this.failures, err: error };
    if (this.failures >= WORTH_TELLING && due) {
      this.toldMs = nowMs;
      this.logger.error(fields, 'housekeeping fails again and again; it is tried on');
    } else {
      this.logger.debug(fields, 'a step of housekeeping failed; trying again');
    }
    return this.failures;
  }

  over(): void {
    if (this.toldMs !== undefined)
      this.logger.info({ ...this.fields, failures: this.failures }, 'housekeeping works again');
    this.failures = 0;
    this.toldMs = undefined;
  }
}
