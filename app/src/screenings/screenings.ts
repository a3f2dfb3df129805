import type { PageCache } from '../cache/page-cache';
import type { Queryable } from '../postgres/queryable';
import { Problem } from '../http/problem';
import type { Tasks, Transaction } from '../tasks';
import type { Screening, ScreeningContent } from './screening';
import { deleteScreening, getScreening, insertScreening, listScreenings, updateScreening } from './screening-store';
import type { ScreeningPage } from './screening-store';

export interface ScreeningsDependencies {
  readonly tasks: Pick<Tasks, 'transaction'>;
  readonly database: Queryable;
  /** What shows the list; begins anew after every write. */
  readonly cache: Pick<PageCache, 'invalidate'>;
}

/** What else must happen in the transaction that moves or deletes a screening. */
export interface ScreeningListener {
  changed?(tx: Transaction, screening: Screening): Promise<void>;
  deleted?(tx: Transaction, screening: Screening): Promise<void>;
}

/** The one place through which screenings are read and written. */
export class Screenings {
  constructor(
    private readonly dependencies: ScreeningsDependencies,
    private readonly listeners: readonly ScreeningListener[] = [],
  ) {}

  list(query: string, page: number): Promise<ScreeningPage> {
    return listScreenings(this.dependencies.database, query, page);
  }

  /** @throws Problem 404 */
  async get(id: string): Promise<Screening> {
    return (await getScreening(this.dependencies.database, id)) ?? notFound();
  }

  create(content: ScreeningContent): Promise<Screening> {
    return this.write((tx) => insertScreening(tx, content));
  }

  /**
   * @param version of the screening that the change is based on
   * @throws Problem 404, or 409 when somebody else has changed it since
   */
  change(id: string, version: number, content: ScreeningContent): Promise<Screening> {
    return this.write(async (tx) => {
      const changed = await updateScreening(tx, id, version, content);
      if (changed === undefined) {
        const current = (await getScreening(tx, id)) ?? notFound();
        throw new Problem(
          409,
          `The screening has been changed by somebody else: it is at version ${current.version}, the change is based on ${version}. Read it again and repeat the change.`,
        );
      }
      for (const listener of this.listeners) await listener.changed?.(tx, changed);
      return changed;
    });
  }

  /** @throws Problem 404 */
  async delete(id: string): Promise<void> {
    await this.write(async (tx) => {
      const deleted = (await deleteScreening(tx, id)) ?? notFound();
      for (const listener of this.listeners) await listener.deleted?.(tx, deleted);
    });
  }

  /**
   * Every write passes here: what shows the list learns of it after the commit and before the answer, also when nobody
   * knows whether the commit happened.
   */
  private async write<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    const { tasks, cache } = this.dependencies;
    try {
      return await tasks.transaction(fn);
    } finally {
      await cache.invalidate();
    }
  }
}

function notFound(): never {
  throw new Problem(404, 'There is no such screening; it may have been deleted.');
}
