import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { pause } from '../pause';
import type { BulkCounts, BulkFilter, BulkOptions, TaskState } from '../types';
import { checkFilter, statesOf } from './bulk-filter';
import type { BulkAction } from './bulk-filter';
import { BULK_SOURCES, cursorOf, firstPlace, followingPlace, placeOf, sourcesOf } from './bulk-place';
import type { BulkKey, BulkPlace } from './bulk-place';

export const ADMINISTER_STATEMENTS = [
  'cancel',
  'cancel_many',
  'discard',
  'discard_many',
  'now',
  ...BULK_SOURCES,
] as const;

interface PageRow {
  /** Of the tasks that match, in the order of their ids. */
  readonly ids: readonly string[];
  /** In the same order; none where tasks are found by lane. */
  readonly uuids: readonly string[];
  readonly queue?: string;
  readonly priority?: number;
  readonly runAt?: string;
  /** Null when there are no more tasks. */
  readonly id: string | null;
}

/** Tasks that one statement at most changes. */
const BATCH = 1_000;
const BETWEEN_PASSES_MS = 200;

/** What became of the first `done` tasks of a page: how many were changed, and of how many it was only asked. */
type Change = (page: PageRow) => Promise<{
  readonly done: number;
  readonly changed: number;
  readonly requested: number;
}>;

/**
 * Does something to all tasks that a filter finds, in batches of one short statement each. Stopped in the middle, what is
 * done is done and the rest is as it was, and the cursor says where to go on.
 */
export class Bulk {
  private readonly sql = loadStatements(__dirname, 'administer.sql', ADMINISTER_STATEMENTS);

  constructor(private readonly ledger: Ledger) {}

  cancel(filter: BulkFilter, options: BulkOptions): Promise<BulkCounts> {
    return this.run('cancel', filter, options, ({ ids }) => this.change(this.sql.cancel_many, ids, filter, 'cancel'));
  }

  discard(filter: BulkFilter, options: BulkOptions): Promise<BulkCounts> {
    return this.run('discard', filter, options, ({ ids }) =>
      this.change(this.sql.discard_many, ids, filter, 'discard'),
    );
  }

  /** @param retry queues one dead or cancelled task again and answers whether it did. */
  retry(filter: BulkFilter, options: BulkOptions, retry: (uuid: string) => Promise<boolean>): Promise<BulkCounts> {
    return this.run('retry', filter, options, async ({ uuids }) => {
      let done = 0;
      let changed = 0;
      for (const uuid of uuids) {
        if (await retry(uuid)) changed += 1;
        done += 1;
        if (options.signal?.aborted === true) break;
      }
      return { done, changed, requested: 0 };
    });
  }

  private async change(
    statement: string,
    ids: readonly string[],
    filter: BulkFilter,
    action: BulkAction,
  ): ReturnType<Change> {
    const answer = await this.ledger.query<{ state: TaskState }>(statement, [idArray(ids), statesOf(action, filter)]);
    const requested = answer.rows.filter(({ state }) => state === 'running').length;
    return { done: ids.length, changed: answer.rows.length - requested, requested };
  }

  private async run(
    action: BulkAction,
    filter: BulkFilter,
    { onProgress, signal, after }: BulkOptions,
    change: Change,
  ): Promise<BulkCounts> {
    checkFilter(action, filter);
    const states = statesOf(action, filter);
    const sources = sourcesOf(states);
    let place =
      after === undefined
        ? firstPlace(filter.acceptedBefore?.toISOString() ?? (await this.now()), sources)
        : placeOf(after, action, filter, sources);
    const counts = { changed: 0, requested: 0 };
    const soFar = (): BulkCounts => {
      return { ...counts, left: place.left, complete: false, next: cursorOf(action, filter, place) };
    };
    while (signal?.aborted !== true) {
      const page = await this.page(states, filter, place);
      if (page?.id == null) {
        const following = followingPlace(action, place, sources);
        if (following === undefined) return { ...counts, left: place.left, complete: true, next: null };
        if (following.pass > place.pass) await pause(BETWEEN_PASSES_MS, signal ?? new AbortController().signal);
        place = following;
        continue;
      }
      if (page.ids.length === 0) {
        place = { ...place, key: keyOf(page, page.id) };
        continue;
      }
      const { done, changed, requested } = await change(page);
      counts.changed += changed;
      counts.requested += requested;
      const last = done < page.ids.length ? page.ids[done - 1] : page.id;
      place = {
        ...place,
        left: place.left + done - changed - requested,
        key: last === undefined ? place.key : keyOf(page, last),
      };
      onProgress?.(soFar());
    }
    return soFar();
  }

  private async page(
    states: readonly TaskState[],
    { queue = null, name = null }: { readonly queue?: string | null; readonly name?: string | null },
    { source, before, key }: BulkPlace,
  ): Promise<PageRow | undefined> {
    const behind = source === 'unfinished' ? key : key.slice(-1);
    const values = [states, queue, name, before, BATCH, ...behind];
    return (await this.ledger.query<PageRow>(this.sql[source], values)).rows[0];
  }

  private async now(): Promise<string> {
    const [row] = (await this.ledger.query<{ now: string }>(this.sql.now)).rows;
    if (row === undefined) throw new Error('the database did not say what time it is');
    return row.now;
  }
}

function keyOf({ queue, priority, runAt }: PageRow, id: string): BulkKey {
  return [queue ?? '', priority ?? 0, runAt ?? '-infinity', id];
}
