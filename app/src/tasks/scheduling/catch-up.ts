import type { CatchUp } from './schedule';
import type { Ticks } from './timing';

/** With `none`, a tick older than this is left out; younger ones are no more than a late look. */
const FRESH_MS = 60_000;

/** Which of the ticks that are due are accepted, and how many are not. */
export function caughtUp(
  { count, newest }: Ticks,
  catchUp: CatchUp,
  now: Date,
): { readonly accepted: readonly Date[]; readonly leftOut: number } {
  const accepted = chosen(newest, catchUp, now);
  return { accepted, leftOut: count - accepted.length };
}

function chosen(newest: readonly Date[], catchUp: CatchUp, now: Date): readonly Date[] {
  if (catchUp === 'latest') return newest.slice(-1);
  return catchUp === 'all' ? newest : newest.filter((tick) => now.getTime() - tick.getTime() <= FRESH_MS);
}
