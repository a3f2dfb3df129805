import { Batcher } from '../batcher';
import type { Dispatcher, DispatchItem } from '../dispatching/dispatcher';
import { isDataError } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import type { AcceptedTask, Transaction } from '../types';
import type { PreparedTask } from './prepare';

type Outcome = { readonly accepted: AcceptedTask } | { readonly error: unknown };

/** Turns prepared tasks into rows: in the caller's transaction, in ours, or many callers' in one. */
export class Acceptor {
  private readonly sql = loadStatements(__dirname, 'accept.sql', ['insert']);
  private readonly coalescer: Batcher<PreparedTask, Outcome>;
  /** What transactions begun by `transaction` have accepted, to be dispatched when they have committed. */
  private readonly pending = new WeakMap<Transaction, DispatchItem[]>();

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
    const items = await this.insert(this.ledger, tasks);
    this.committed(items);
    return tasks.map((task) => ({ id: task.uuid }));
  }

  /** Inside the caller's transaction: the rows exist exactly when it commits. */
  async within(tx: Transaction, tasks: readonly PreparedTask[]): Promise<AcceptedTask[]> {
    const items = await this.insert(tx, tasks);
    // Of a foreign transaction nobody tells us when it commits: the relay dispatches what it accepted.
    this.pending.get(tx)?.push(...items);
    return tasks.map((task) => ({ id: task.uuid }));
  }

  /** A transaction whose accepted tasks are dispatched as soon as it has committed. */
  async transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    const items: DispatchItem[] = [];
    const result = await this.ledger.transaction((tx) => {
      this.pending.set(tx, items);
      return fn(tx);
    });
    this.committed(items);
    return result;
  }

  private committed(items: readonly DispatchItem[]): void {
    this.counters.accepted += items.length;
    this.dispatcher.push(items);
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

  private async insert(tx: Pick<Transaction, 'query'>, tasks: readonly PreparedTask[]): Promise<DispatchItem[]> {
    if (tasks.length === 0) return [];
    const result = await tx.query<{ id: string; uuid: string }>(this.sql.insert, [
      tasks.map((task) => task.uuid),
      tasks.map((task) => task.definition.name),
      tasks.map((task) => task.definition.version),
      tasks.map((task) => task.queue),
      tasks.map((task) => task.priority),
      tasks.map((task) => task.payload),
      tasks.map((task) => task.runAt),
      tasks.map((task) => task.attempts),
      tasks.map((task) => task.definition.timeLimitSeconds),
    ]);
    const ids = new Map(result.rows.map((row) => [row.uuid, row.id]));
    const now = Date.now();
    return tasks.flatMap((task) => {
      const id = ids.get(task.uuid);
      const later = task.runAt !== undefined && task.runAt.getTime() > now;
      return id === undefined || later ? [] : [{ id, queue: task.queue, priority: task.priority }];
    });
  }
}
