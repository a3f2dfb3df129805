import { InvalidTaskError } from '../errors';
import { isUuid } from '../uuids';

const ID = /^\d{1,18}$/;

/** @throws InvalidTaskError */
export function checkUuid(id: string): void {
  if (!isUuid(id)) throw new InvalidTaskError('id', `${JSON.stringify(id)} is not a uuid`);
}

/** @throws InvalidTaskError when `limit` is no whole number from 1 to `max`. */
export function checkLimit(limit: number, max: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw new InvalidTaskError('limit', `${limit} is not a whole number from 1 to ${max}`);
}

/** @throws InvalidTaskError when `after` is given and of another form. */
export function checkCursor(after: string | undefined, form = ID): string | undefined {
  if (after === undefined || form.test(after)) return after;
  throw new InvalidTaskError('after', 'is not the cursor of a page');
}
