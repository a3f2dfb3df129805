import { checkCursor, checkLimit, checkUuid } from '../inspecting/page';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { LogLevel, LogPage, LogPageOptions } from '../types';
import { LOG_STATEMENTS } from './log-writer';

interface LineRow {
  id: string | null;
  attempt: number;
  at: Date;
  level: LogLevel;
  message: string;
  fields: unknown;
}

const DEFAULT_LINES = 200;
const MOST_LINES = 1_000;

/** Reads what handlers logged. */
export class LogReader {
  private readonly sql = loadStatements(__dirname, 'log.sql', LOG_STATEMENTS);

  constructor(private readonly ledger: Pick<Ledger, 'query'>) {}

  /**
   * @returns undefined when there is no such task.
   * @throws InvalidTaskError when the id, the limit or the cursor is not possible.
   */
  async read(taskId: string, options: LogPageOptions): Promise<LogPage | undefined> {
    checkUuid(taskId);
    const limit = checkLimit(options.limit ?? DEFAULT_LINES, MOST_LINES);
    const values = [taskId, checkCursor(options.after) ?? null, limit + 1];
    const { rows } = await this.ledger.query<LineRow>(this.sql.read, values);
    if (rows.length === 0) return undefined;
    const lines = rows.flatMap(({ id, ...line }) => (id === null ? [] : [{ id, ...line }])).slice(0, limit);
    return { lines, next: rows.length > limit ? (lines.at(-1)?.id ?? null) : null };
  }
}
