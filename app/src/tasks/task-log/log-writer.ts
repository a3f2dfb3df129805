import type { ClaimedTask } from '../claiming/claimer';
import { idArray } from '../lanes';
import { isDataError } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { monotonicMs } from '../pause';
import type { TaskLogger } from '../types';
import { lineOf } from './line';
import type { Line } from './line';

export const LOG_STATEMENTS = ['insert', 'read', 'forget_orphans'] as const;

interface Kept extends Line {
  readonly task: ClaimedTask;
  readonly loggedMs: number;
}

const EVERY_MS = 250;
/** Between two tries while PostgreSQL does not take them. */
const AGAIN_MS = 2_000;
const MOST_AT_ONCE = 1_000;
/** What waits while PostgreSQL is away; of more, the newest are lost and counted. */
const MOST_WAITING = 10_000;

/** Collects what handlers log and writes it in one statement for all of them. Nobody waits for it but a task's own end. */
export class LogWriter {
  private readonly sql = loadStatements(__dirname, 'log.sql', LOG_STATEMENTS);
  private readonly waiting: Kept[] = [];
  /** Lines of each task that are not in the ledger yet. */
  private readonly open = new Map<ClaimedTask, number>();
  private readonly lost = new Map<ClaimedTask, number>();
  private writing = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ledger: Pick<Ledger, 'query'>,
    private readonly logger: TaskLogger,
  ) {}

  keep(task: ClaimedTask, line: Line): void {
    if (this.waiting.length >= MOST_WAITING) {
      this.lost.set(task, (this.lost.get(task) ?? 0) + 1);
      return;
    }
    this.add(task, line);
    this.plan(EVERY_MS);
  }

  /** Lines that are not in the ledger yet. */
  get size(): number {
    return this.waiting.length;
  }

  /** True while a line of this task is not in the ledger yet. */
  has(task: ClaimedTask): boolean {
    return this.open.has(task);
  }

  /** Resolves when all lines kept so far are written, or could not be. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  /** Writes no more by itself. */
  async stop(): Promise<void> {
    await this.flush();
    clearTimeout(this.timer);
  }

  private plan(milliseconds: number): void {
    this.timer ??= setTimeout(() => void this.flush(), milliseconds).unref();
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      // They stay among those that wait, which are counted, until they are written.
      const lines = this.waiting.slice(0, MOST_AT_ONCE);
      try {
        await this.write(lines);
      } catch (error) {
        this.logger.debug({ err: error }, 'log lines of tasks not written; trying again');
        this.plan(AGAIN_MS);
        return;
      }
      this.waiting.splice(0, lines.length);
      for (const { task } of lines) this.close(task);
      this.noteLost();
    }
  }

  private add(task: ClaimedTask, line: Line): void {
    this.waiting.push({ ...line, task, loggedMs: monotonicMs() });
    this.open.set(task, (this.open.get(task) ?? 0) + 1);
  }

  private close(task: ClaimedTask): void {
    const open = (this.open.get(task) ?? 1) - 1;
    if (open > 0) this.open.set(task, open);
    else this.open.delete(task);
  }

  /** In the room that what was written has left. */
  private noteLost(): void {
    for (const [task, count] of this.lost) {
      if (this.waiting.length >= MOST_WAITING) return;
      this.add(task, lineOf('warn', { lost: count }, 'lines were lost while the database was away'));
      this.lost.delete(task);
    }
  }

  /** When a line's data is at fault the batch is halved until only that one is left out. */
  private async write(lines: readonly Kept[]): Promise<void> {
    const nowMs = monotonicMs();
    try {
      await this.ledger.query(this.sql.insert, [
        idArray(lines.map(({ task }) => task.id)),
        idArray(lines.map(({ task }) => task.fence)),
        idArray(lines.map(({ task }) => task.attempt)),
        idArray(lines.map(({ loggedMs }) => (nowMs - loggedMs) / 1000)),
        lines.map(({ level }) => level),
        lines.map(({ message }) => message),
        lines.map(({ fields }) => fields),
      ]);
    } catch (error) {
      if (!isDataError(error)) throw error;
      if (lines.length === 1) return;
      const half = lines.length >> 1;
      await this.write(lines.slice(0, half));
      await this.write(lines.slice(half));
    }
  }
}
