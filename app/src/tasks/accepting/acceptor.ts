import { Batcher } from '../batcher';
import type { Dispatcher } from '../dispatching/dispatcher';
import { beginWaiting, findParents } from '../flows/waiting';
import { isDataError } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import type { AcceptedTask, Transaction } from '../types';
import { KeyedInsert } from './keyed';
import type { Acceptance, Inserted } from './keyed';
import type { Keys } from './keys';
import type { PreparedTask } from './prepare';
import { sendIn } from './send';
import type { OwnTransaction, Send } from './send';
import { Turns } from './turns';

const STATEMENT = 'holdfast accept';

type Outcome = { readonly accepted: AcceptedTask } | { readonly error: unknown };

/** Turns prepared tasks into rows: in the caller's transaction, in ours, or many callers' in one. */
export class Acceptor {
  private readonly sql = loadStatements(__dirname, 'accept.sql', ['insert']);
  private readonly keyed = new KeyedInsert((send, tasks) => this.insert(send, tasks));
  /** So that callers who wait under one key occupy one connection. */
  private readonly turns = new Turns();
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
    if (task.after !== undefined) {
      const [accepted] = await this.transaction((tx) => this.within(tx, [task]));
      return accepted ?? { id: task.uuid, duplicate: false, replaced: false };
    }
    const outcome = await this.coalescer.add(task);
    if ('error' in outcome) throw outcome.error;
    return outcome.accepted;
  }

  /** All or none, in a transaction of their own. */
  async together(tasks: readonly PreparedTask[]): Promise<AcceptedTask[]> {
    if (tasks[0]?.after !== undefined) return this.transaction((tx) => this.within(tx, tasks));
    const acceptance = await this.insert((...statement) => this.ledger.write(...statement), tasks);
    this.committed(acceptance);
    return acceptance.answers;
  }

  /**
   * All or none, in a transaction of their own, apart from the coalesced ones: who waits for somebody under the same key
   * holds up nobody else.
   */
  underKeys(tasks: readonly PreparedTask[], keys: Keys): Promise<AcceptedTask[]> {
    const accept = (): Promise<AcceptedTask[]> =>
      this.transaction((tx) => {
        const keyed = (): Promise<Acceptance> => this.keyed.accept(sendIn(tx), tasks, keys, { callerWrites: false });
        return this.note(tx, this.waiting(tx, tasks, keyed, keys));
      });
    const inTurn = (kind: string, key: { name: string; key: string } | undefined, act: typeof accept) => () =>
      key === undefined ? act() : this.turns.take(JSON.stringify([kind, key.name, key.key]), act);
    return inTurn('request', keys.request, inTurn('unique', keys.unique, accept))();
  }

  /** Inside the caller's transaction: the rows exist exactly when it commits. */
  within(tx: OwnTransaction, tasks: readonly PreparedTask[], keys?: Keys): Promise<AcceptedTask[]> {
    const send = sendIn(tx);
    const accept = (): Promise<Acceptance> =>
      keys === undefined ? this.insert(send, tasks) : this.keyed.accept(send, tasks, keys, { callerWrites: true });
    return this.note(tx, this.waiting(tx, tasks, accept, keys));
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

  /** Of a foreign transaction nobody tells us when it commits: the relay dispatches what it accepted. */
  private async note(tx: Transaction, accepting: Promise<Acceptance>): Promise<AcceptedTask[]> {
    const { count, due, answers } = await accepting;
    const pending = this.pending.get(tx);
    if (pending !== undefined) {
      pending.count += count;
      for (const item of due) pending.due.push(item);
    }
    return answers;
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

  private async insert(send: Send, tasks: readonly PreparedTask[]): Promise<Acceptance> {
    if (tasks.length === 0) return { count: 0, due: [], answers: [] };
    const result = await send<{ id: string; uuid: string }>(STATEMENT, this.sql.insert, [
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
    const answers = tasks.map((task) => ({ id: task.uuid, duplicate: false, replaced: false }));
    return { count: tasks.length, due, answers };
  }

  /** Accepts, and makes what is new wait for what it names. All tasks wait for the same, or for none. */
  private async waiting(
    tx: OwnTransaction,
    tasks: readonly PreparedTask[],
    accept: () => Promise<Acceptance>,
    keys: Keys | undefined,
  ): Promise<Acceptance> {
    const after = tasks[0]?.after;
    if (after === undefined) return accept();
    // Of a request that was answered before, the parents may have been pruned since.
    const repeated = keys && (await this.keyed.repeated(sendIn(tx), keys));
    if (repeated !== undefined) return repeated;
    const parents = await findParents(tx, after);
    const acceptance = await accept();
    const fresh = acceptance.answers.filter(({ duplicate }) => !duplicate).map(({ id }) => id);
    const state = fresh.length === 0 ? 'queued' : await beginWaiting(tx, fresh, parents);
    return state === 'queued' ? acceptance : { ...acceptance, due: [] };
  }
}
