import { InvalidTaskError } from '../errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { TaskFilter, TaskPage } from '../types';
import { checkCursor, checkLimit } from './page';
import { toRecord } from './records';
import type { TaskRow } from './records';

const CURSOR = /^\d{1,18}-\d{1,18}$/;

/** What runs next: queued tasks in the order of their `runAt`. */
export class Upcoming {
  private readonly sql = loadStatements(__dirname, 'upcoming.sql', ['upcoming']);

  constructor(private readonly ledger: Pick<Ledger, 'query'>) {}

  /** @throws InvalidTaskError when the limit or the cursor is not possible, or another state is asked for. */
  async list(filter: TaskFilter): Promise<TaskPage> {
    if (filter.state !== undefined && filter.state !== 'queued') {
      throw new InvalidTaskError(
        'order',
        `is next, which only queued tasks have; the state asked for is ${filter.state}`,
      );
    }
    const limit = checkLimit(filter.limit ?? 50, 200);
    const [micros, id] = checkCursor(filter.after, CURSOR)?.split('-') ?? [];
    const values = [filter.queue ?? null, filter.name ?? null, micros ?? null, id ?? null, limit + 1];
    const { rows } = await this.ledger.query<TaskRow & { cursor: string }>(this.sql.upcoming, values);
    const page = rows.slice(0, limit);
    return { items: page.map(toRecord), next: rows.length > limit ? (page.at(-1)?.cursor ?? null) : null };
  }
}
