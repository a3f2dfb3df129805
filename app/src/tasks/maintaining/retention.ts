import { DefinitionError } from '../errors';

/** How long finished tasks stay in the ledger, in seconds after their end. Parked ones are not finished: they stay. */
export interface Retention {
  /** @default 86,400 (a day) */
  readonly doneSeconds?: number;
  /** @default 604,800 (7 days) */
  readonly cancelledSeconds?: number;
  /** Longest, because they wait for a person. @default 7,776,000 (90 days) */
  readonly deadSeconds?: number;
}

const DAY_SECONDS = 86_400;
const MAX_SECONDS = 3_650 * DAY_SECONDS;

/** @throws DefinitionError when one is out of range. */
export function checkedRetention(given: Retention = {}): Required<Retention> {
  const retention = {
    doneSeconds: given.doneSeconds ?? DAY_SECONDS,
    cancelledSeconds: given.cancelledSeconds ?? 7 * DAY_SECONDS,
    deadSeconds: given.deadSeconds ?? 90 * DAY_SECONDS,
  };
  for (const [name, value] of Object.entries(retention)) {
    if (value >= 0 && value <= MAX_SECONDS) continue;
    throw new DefinitionError(
      'createTasks',
      `retention.${name}`,
      value,
      `a number of seconds from 0 to ${MAX_SECONDS}`,
    );
  }
  return retention;
}
