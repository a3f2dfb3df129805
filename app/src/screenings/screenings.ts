import type { PageCache } from '../cache/page-cache';
import type { Queryable } from '../postgres/queryable';
import { invalid, Problem } from '../http/problem';
import type { Tasks, Transaction } from '../tasks';
import { show } from '../validation/values';
import type { Screening, ScreeningContent } from './screening';
import { deleteScreening, getScreening, insertScreening, listScreenings, updateScreening } from './screening-store';
import type { ScreeningPage } from './screening-store';

export interface ScreeningsDependencies {
  readonly tasks: Pick<Tasks, 'transaction'>;
  readonly database: Queryable;
  /** What shows the list; begins anew after every write. */
  readonly cache: Pick<PageCache, 'invalidate'>;
}

/** What else must happen in the transaction that deletes a screening. */
export interface ScreeningListener {
  deleted(tx: Transaction, screening: Screening): Promise<void>;
}

/** A screening was to begin at a moment that has passed: 400. */
export class BeginningPassed extends Problem {
  constructor(startsAt: Date) {
    const mistake = { path: 'body.startsAt', message: `is ${show(startsAt)}; allowed is a moment to come` };
    super(400, invalid([mistake]).detail, { errors: [mistake] });
  }
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

  /** @throws BeginningPassed */
  async create(content: ScreeningContent): Promise<Screening> {
    refusePast(content.startsAt);
    return this.write((tx) => insertScreening(tx, content));
  }

  /**
   * A screening that has begun keeps its beginning, so that its texts can still be mended, or gets one to come.
   * @param version of the screening that the change is based on
   * @throws BeginningPassed, Problem 404, or 409 when somebody else has changed it since
   */
  change(id: string, version: number, content: ScreeningContent): Promise<Screening> {
    return this.write(async (tx) => {
      const before = (await getScreening(tx, id)) ?? notFound();
      const isMoved = before.startsAt.getTime() !== content.startsAt.getTime();
      // Of another version the update finds nothing, which is what its reader must hear first.
      if (isMoved && before.version === version) refusePast(content.startsAt);
      const changed = await updateScreening(tx, id, version, content);
      if (changed === undefined) {
        const current = (await getScreening(tx, id)) ?? notFound();
        throw new Problem(
          409,
          `The screening has been changed by somebody else: it is at version ${current.version}, the change is based on ${version}. Read it again and repeat the change.`,
        );
      }
      return changed;
    });
  }

  /** @throws Problem 404 */
  async delete(id: string): Promise<void> {
    await this.write(async (tx) => {
      const deleted = (await deleteScreening(tx, id)) ?? notFound();
      for (const listener of this.listeners) await listener.deleted(tx, deleted);
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

function refusePast(startsAt: Date): void {
  if (startsAt.getTime() <= Date.now()) throw new BeginningPassed(startsAt);
}

function notFound(): never {
  throw new Problem(404, 'There is no such screening; it may have been deleted.');
}
