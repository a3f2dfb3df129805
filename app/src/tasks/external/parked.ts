import { describe } from '../running/describe';

/** Whether external effects happened is unknown, and the handler said that a person must decide: the attempt ends parked. */
export class Parked extends Error {
  override readonly name = 'Parked';
  constructor(keys: readonly string[], cause: unknown) {
    const what = keys.map((key) => JSON.stringify(key)).join(', ');
    const why = cause === undefined ? '' : `: ${describe(cause)}`;
    super(`whether the external effect ${what} happened is unknown, so a person must decide${why}`, { cause });
  }
}
