import { storableText } from '../validation/values';
import { ADMIN } from './frame';

export const DEAD = `${ADMIN}/dead`;

/** Where a bulk goes on, as `BulkCounts.next` says it. */
export const bulkCursor = storableText({ min: 1, max: 1_000 });

export const BULK_ACTIONS = ['retry', 'discard'] as const;

/** What a bulk did not get to while its request lasted. */
export interface BulkRest {
  readonly action: (typeof BULK_ACTIONS)[number];
  readonly kind: string;
  readonly after: string;
}

/** The page of dead tasks of that kind that offers to go on. */
export function restPage({ action, kind, after }: BulkRest): string {
  const search = new URLSearchParams({ kind, rest: action, from: after });
  return `${DEAD}?${search.toString()}`;
}

const WORDS = {
  retry: { left: 'are still to be retried', button: 'Go on retrying' },
  discard: { left: 'are still to be discarded', button: 'Go on discarding' },
} as const;

/** Goes on where the bulk was when its time was up: what it has passed already is not tried again. */
export function Rest({ action, kind, after }: BulkRest) {
  const { left, button } = WORDS[action];
  return (
    <section class="card" aria-label="The rest">
      <form method="post" action={`${DEAD}/${action}`}>
        <input type="hidden" name="kind" value={kind} />
        <input type="hidden" name="after" value={after} />
        <p>
          There are more tasks {kind} than one request gets to; some {left}.
        </p>
        <button>{button}</button>
      </form>
    </section>
  );
}
