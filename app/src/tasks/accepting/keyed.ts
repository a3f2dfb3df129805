import type { DispatchItem } from '../dispatching/dispatcher';
import type { AcceptedTask } from '../types';
import type { Keys } from './keys';
import type { PreparedTask } from './prepare';
import { RequestKeys } from './request-keys';
import type { Send } from './send';
import { UniqueKeys } from './unique-keys';

/** Rows that exist when their transaction commits. */
export interface Inserted {
  count: number;
  /** Those that need not wait for their time. */
  readonly due: DispatchItem[];
}

export interface Acceptance extends Inserted {
  /** One a prepared task, in their order. */
  readonly answers: AcceptedTask[];
}

export interface KeyedOptions {
  /** The transaction is the caller's, and may hold writes that the tasks have to see. */
  readonly callerWrites: boolean;
}

/** Accepts tasks under the keys of their request and their kind; `insert` is for those that no key keeps out. */
export class KeyedInsert {
  private readonly requests = new RequestKeys();
  private readonly uniques = new UniqueKeys();

  constructor(private readonly insert: (send: Send, tasks: readonly PreparedTask[]) => Promise<Acceptance>) {}

  /** The request's key first, then the tasks': everybody waits in this order. */
  async accept(send: Send, tasks: readonly PreparedTask[], keys: Keys, options: KeyedOptions): Promise<Acceptance> {
    const { request } = keys;
    if (request === undefined) return this.acceptUnique(send, tasks, keys, options);
    const prepared = tasks.map((task) => task.uuid);
    const earlier = await this.requests.claim(send, request, prepared);
    if (earlier !== undefined) return repetition(earlier);
    const acceptance = await this.acceptUnique(send, tasks, keys, options);
    const answered = acceptance.answers.map(({ id }) => id);
    if (answered.some((id, i) => id !== prepared[i])) await this.requests.correct(send, request, answered);
    return acceptance;
  }

  /** The answer to a request that was answered before; undefined when this is the first, as far as can be seen. */
  async repeated(send: Send, { request }: Keys): Promise<Acceptance | undefined> {
    const earlier = request && (await this.requests.earlier(send, request));
    return earlier && repetition(earlier);
  }

  private async acceptUnique(
    send: Send,
    tasks: readonly PreparedTask[],
    { unique }: Keys,
    { callerWrites }: KeyedOptions,
  ): Promise<Acceptance> {
    // Of several under one key one counts: the first, or the one that replaces all before it.
    const task = unique?.replace === true ? tasks.at(-1) : tasks[0];
    if (unique === undefined || task === undefined) return this.insert(send, tasks);
    const { accepted, due } = await this.uniques.accept(send, task, unique, callerWrites);
    const replaced = accepted.replaced || (unique.replace && !accepted.duplicate);
    const answers = tasks.map((_, i) => (i === 0 ? accepted : { id: accepted.id, duplicate: true, replaced }));
    return { count: accepted.duplicate ? 0 : 1, due: [...due], answers };
  }
}

function repetition(ids: readonly string[]): Acceptance {
  return { count: 0, due: [], answers: ids.map((id) => ({ id, duplicate: true, replaced: false })) };
}
