import { Batcher } from '../batcher';
import type { Dispatcher, DispatchItem } from '../dispatching/dispatcher';
import { isDataError } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import type { AcceptedTask, Transaction } from '../types';
import type { PreparedTask } from './prepare';

type RunInsert = (text: string, values: readonly unknown[]) => Promise<{ rows: { id: string; uuid: string }[] }>;
/** Of our own connections; a foreign client may stand behind a pooler that cannot prepare. */
type OwnTransaction = Transaction & Partial<Pick<Ledger, 'prepared'>>;
const STATEMENT = 'holdfast accept';

type Outcome = { readonly accepted: AcceptedTask } | { readonly error: unknown };

/** Rows that exist when their transaction commits. */
interface Inserted {
  count: number;
  /** Those that need not wait for their time. */
  readonly due: DispatchItem[];
}

/** Turns prepared tasks into rows: in the caller's transaction, in ours, or many callers' in one. */
export class Acceptor {
  private readonly sql = loadStatements(__dirname, 'accept.sql', ['insert']);
  private readonly coalescer: Batcher<PreparedTask, Outcome>;
  /** What transactions begun by `transaction` have accepted, to be counted and dispatched when they have committed. */
  private readonly pending = new WeakMap<Transaction, Inserted>();

  constructor(
    private readonly ledger: Ledger,
    private readonly dispatcher: Dispatcher,
    private readonly counters: Counters,
  ) {
    this.coalescer = new Batcher((tasks) => this.acceptTogether(tasks), { maxItems: 500, parallel: 2 });
  }

  /** Resolves after the commit; concurrent calls share one. */
  async coalesced(task: PreparedTask): Promise<AcceptedTask> {
    const outcome = await this.coalescer.add(task);
    if ('error' in outcome) throw outcome.error;
    return outcome.accepted;
  }

  /** All or none, in a transaction of their own. */
  async together(tasks: readonly PreparedTask[]): Promise<AcceptedTask[]> {
    this.committed(await this.insert((text, values) => this.ledger.write(STATEMENT, text, values), tasks));
    return tasks.map((task) => ({ id: task.uuid }));
  }

  /** Inside the caller's transaction: the rows exist exactly when it commits. */
  async within(tx: OwnTransaction, tasks: readonly PreparedTask[]): Promise<AcceptedTask[]> {
    const { count, due } = await this.insert(
      (text, values) => tx.prepared?.(STATEMENT, text, values) ?? tx.query(text, values),
      tasks,
    );
    // Of a foreign transaction nobody tells us when it commits: the relay dispatches what it accepted.
    const pending = this.pending.get(tx);
    if (pending !== undefined) {
      pending.count += count;
      for (const item of due) pending.due.push(item);
    }
    return tasks.map((task) => ({ id: task.uuid }));
  }

  /** A transaction whose accepted tasks are dispatched as soon as it has committed. */
  async transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    const inserted: Inserted = { count: 0, due: [] };
    const result = await this.ledger.transaction((tx) => {
      this.pending.set(tx, inserted);
      return fn(tx);
    });
    this.committed(inserted);
    return result;
  }

  private committed({ count, due }: Inserted): void {
    this.counters.accepted += count;
    this.dispatcher.push(due);
  }

  /** One statement for all; when a row's data is at fault the batch is halved until only that one fails. */
  private async acceptTogether(tasks: readonly PreparedTask[]): Promise<Outcome[]> {
    try {
      return (await this.together(tasks)).map((accepted) => ({ accepted }));
    } catch (error) {
      if (tasks.length === 1 || !isDataError(error)) return tasks.map(() => ({ error }));
      const half = tasks.length >> 1;
      return [...(await this.acceptTogether(tasks.slice(0, half))), ...(await this.acceptTogether(tasks.slice(half)))];
    }
  }

  private async insert(run: RunInsert, tasks: readonly PreparedTask[]): Promise<Inserted> {
    if (tasks.length === 0) return { count: 0, due: [] };
    const result = await run(this.sql.insert, [
      tasks.map((task) => task.uuid),
      tasks.map((task) => task.definition.name),
      tasks.map((task) => task.definition.version),
      tasks.map((task) => task.queue),
      tasks.map((task) => task.priority),
      tasks.map((task) => task.payload),
      tasks.map((task) => task.runAt),
      tasks.map((task) => task.attempts),
      tasks.map((task) => task.definition.timeLimitSeconds),
      tasks.map((task) => task.trace),
    ]);
    const ids = new Map(result.rows.map((row) => [row.uuid, row.id]));
    const now = Date.now();
    const due = tasks.flatMap((task) => {
      const id = ids.get(task.uuid);
      const later = task.runAt !== undefined && task.runAt.getTime() > now;
      return id === undefined || later ? [] : [{ id, queue: task.queue, priority: task.priority }];
    });
    return { count: tasks.length, due };
  }
}
