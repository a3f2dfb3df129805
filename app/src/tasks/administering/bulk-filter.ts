import { isValidName, nameRule } from '../definition';
import { InvalidTaskError } from '../errors';
import type { BulkFilter, TaskState } from '../types';

/** What each bulk can be done to. */
export const BULK_STATES = {
  retry: ['dead', 'cancelled'],
  cancel: ['waiting', 'queued', 'running', 'parked'],
  discard: ['dead', 'parked'],
} as const satisfies Record<string, readonly TaskState[]>;

export type BulkAction = keyof typeof BULK_STATES;

/** To what it is done when the filter names no state: a bulk retry must not bring back what people have cancelled. */
const OTHERWISE: Readonly<Record<BulkAction, readonly TaskState[]>> = { ...BULK_STATES, retry: ['dead'] };

export function statesOf(action: BulkAction, { state }: BulkFilter): readonly TaskState[] {
  return state === undefined ? OTHERWISE[action] : [state];
}

/** @throws InvalidTaskError when the filter names no tasks, or is not possible. */
export function checkFilter(action: BulkAction, filter: BulkFilter): void {
  const { queue, name, state, acceptedBefore } = filter;
  if (queue === undefined && name === undefined && acceptedBefore === undefined) {
    throw new InvalidTaskError('filter', 'names no tasks; give queue, name or acceptedBefore');
  }
  for (const [path, given] of Object.entries({ queue, name })) {
    if (given !== undefined && !isValidName(given)) {
      throw new InvalidTaskError(path, `is ${JSON.stringify(given)}; allowed is ${nameRule}`);
    }
  }
  const allowed: readonly TaskState[] = BULK_STATES[action];
  if (state !== undefined && !allowed.includes(state)) {
    throw new InvalidTaskError('state', `is ${JSON.stringify(state)}; allowed is ${allowed.join(', ')}`);
  }
  if (acceptedBefore !== undefined && Number.isNaN(acceptedBefore.getTime())) {
    throw new InvalidTaskError('acceptedBefore', 'is no date');
  }
}
