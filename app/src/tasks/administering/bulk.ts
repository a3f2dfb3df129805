import { isValidName, nameRule } from '../definition';
import { InvalidTaskError } from '../errors';
import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { pause } from '../pause';
import type { BulkCounts, BulkFilter, BulkOptions, TaskState } from '../types';

export const ADMINISTER_STATEMENTS = [
  'cancel',
  'cancel_many',
  'discard',
  'discard_many',
  'now',
  'unfinished',
  'dead',
] as const;

/** What each bulk can be done to. */
export const BULK_STATES = {
  retry: ['dead'],
  cancel: ['waiting', 'queued', 'running', 'parked'],
  discard: ['dead', 'parked'],
} as const satisfies Record<string, readonly TaskState[]>;

interface PageRow {
  readonly ids: string[];
  readonly uuids: string[];
  readonly queue: string | null;
  readonly priority: number | null;
  readonly runAt: string | null;
  readonly id: string | null;
}

/** Tasks that one statement looks at, and so at most changes. */
const BATCH = 1_000;
/** Rows that somebody held, or that moved behind the cursor, are found by going through once more. */
const MOST_PASSES = 4;
const BETWEEN_PASSES_MS = 200;
const FROM_THE_BEGINNING = ['', 0, '-infinity', '0'] as const;

/** What became of some tasks: how many were changed, and of how many it was only asked. */
type Change = (page: { readonly ids: readonly string[]; readonly uuids: readonly string[] }) => Promise<{
  readonly changed: number;
  readonly requested: number;
}>;

/**
 * Does something to all tasks that a filter finds, in batches of one short statement each. Stopped in the middle, what is
 * done is done and the rest is as it was.
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

  /** @param retry queues one dead task again and answers whether it did. */
  retry(filter: BulkFilter, options: BulkOptions, retry: (uuid: string) => Promise<boolean>): Promise<BulkCounts> {
    return this.run('retry', filter, options, async ({ uuids }) => {
      let changed = 0;
      for (const uuid of uuids) {
        if (options.signal?.aborted === true) break;
        if (await retry(uuid)) changed += 1;
      }
      return { changed, requested: 0 };
    });
  }

  private async change(
    statement: string,
    ids: readonly string[],
    filter: BulkFilter,
    what: keyof typeof BULK_STATES,
  ): ReturnType<Change> {
    const answer = await this.ledger.query<{ state: TaskState }>(statement, [idArray(ids), statesOf(what, filter)]);
    const requested = answer.rows.filter(({ state }) => state === 'running').length;
    return { changed: answer.rows.length - requested, requested };
  }

  private async run(
    what: keyof typeof BULK_STATES,
    filter: BulkFilter,
    { onProgress, signal }: BulkOptions,
    change: Change,
  ): Promise<BulkCounts> {
    check(what, filter);
    const states = statesOf(what, filter);
    // What is accepted from now on is not meant, or a busy queue would keep this going for ever.
    const before = filter.acceptedBefore?.toISOString() ?? (await this.now());
    const counts = { changed: 0, requested: 0, left: 0 };
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      counts.left = 0;
      for (const statement of statementsFor(states, this.sql)) {
        let from: readonly (string | number)[] = FROM_THE_BEGINNING;
        for (;;) {
          if (signal?.aborted === true) return { ...counts, complete: false };
          const values = [states, filter.queue ?? null, filter.name ?? null, before, BATCH, ...from];
          const [page] = (await this.ledger.query<PageRow>(statement, values)).rows;
          if (page?.id == null) break;
          from = [page.queue ?? '', page.priority ?? 0, page.runAt ?? '-infinity', page.id];
          if (page.ids.length === 0) continue;
          const { changed, requested } = await change(page);
          counts.changed += changed;
          counts.requested += requested;
          counts.left += page.ids.length - changed - requested;
          onProgress?.({ ...counts, complete: false });
        }
      }
      if (counts.left === 0 || what === 'retry') break;
      await pause(BETWEEN_PASSES_MS, signal ?? new AbortController().signal);
    }
    return { ...counts, complete: signal?.aborted !== true };
  }

  private async now(): Promise<string> {
    const [row] = (await this.ledger.query<{ now: string }>(this.sql.now)).rows;
    return row?.now ?? 'now';
  }
}

function statementsFor(
  states: readonly TaskState[],
  sql: { readonly unfinished: string; readonly dead: string },
): string[] {
  const isDead = states.includes('dead');
  return [...(states.length > (isDead ? 1 : 0) ? [sql.unfinished] : []), ...(isDead ? [sql.dead] : [])];
}

function statesOf(what: keyof typeof BULK_STATES, { state }: BulkFilter): readonly TaskState[] {
  return state === undefined ? BULK_STATES[what] : [state];
}

function check(what: keyof typeof BULK_STATES, filter: BulkFilter): void {
  const { queue, name, state, acceptedBefore } = filter;
  if (queue === undefined && name === undefined && acceptedBefore === undefined) {
    throw new InvalidTaskError('filter', 'names no tasks; give queue, name or acceptedBefore');
  }
  for (const [path, given] of Object.entries({ queue, name })) {
    if (given !== undefined && !isValidName(given)) {
      throw new InvalidTaskError(path, `is ${JSON.stringify(given)}; allowed is ${nameRule}`);
    }
  }
  const allowed: readonly TaskState[] = BULK_STATES[what];
  if (state !== undefined && !allowed.includes(state)) {
    throw new InvalidTaskError('state', `is ${JSON.stringify(state)}; allowed is ${allowed.join(', ')}`);
  }
  if (acceptedBefore !== undefined && Number.isNaN(acceptedBefore.getTime())) {
    throw new InvalidTaskError('acceptedBefore', 'is no date');
  }
}
