import type { DispatchItem } from '../dispatching/dispatcher';
import { KeyBusyError } from '../errors';
import { loadStatements } from '../ledger/statements';
import type { AcceptedTask } from '../types';
import type { UniqueKey } from './keys';
import type { PreparedTask } from './prepare';
import type { Send } from './send';

/** Each try fails only because somebody else accepted, started or finished a task of the key during it. */
const MOST_TRIES = 25;

interface Holder {
  id: string;
  uuid: string;
  untilFinish: boolean;
  notStarted: boolean;
}

interface Touched extends DispatchItem {
  due: boolean;
}

export interface AcceptedUnique {
  readonly accepted: AcceptedTask;
  /** What may be dispatched when the transaction has committed. */
  readonly due: readonly DispatchItem[];
}

/** Accepts tasks of which only one of a kind may exist under a key. */
export class UniqueKeys {
  private readonly sql = loadStatements(__dirname, 'unique-keys.sql', [
    'find',
    'insert',
    'replace',
    'keep_from_starting',
  ]);

  /**
   * Accepts `task`, or answers with the one that holds its key.
   * @param callerWrites whether the transaction may hold writes that the task has to see: then one that is held until
   * it starts does not start before the transaction ends.
   * @throws KeyBusyError when others accepted under the key and their tasks started, over and over.
   */
  async accept(send: Send, task: PreparedTask, unique: UniqueKey, callerWrites: boolean): Promise<AcceptedUnique> {
    const { name, key } = unique;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const [holder] = (await send<Holder>('holdfast find holder', this.sql.find, [name, key])).rows;
      const accepted =
        holder === undefined
          ? await this.insert(send, task, unique)
          : await this.share(send, holder, task, unique, callerWrites);
      if (accepted !== undefined) return accepted;
    }
    throw new KeyBusyError(name, key);
  }

  /** Undefined when somebody else holds the key now. */
  private async insert(send: Send, task: PreparedTask, unique: UniqueKey): Promise<AcceptedUnique | undefined> {
    const { uuid, definition, queue, priority, payload, runAt, attempts, trace } = task;
    const [inserted] = (
      await send<Touched>('holdfast insert unique', this.sql.insert, [
        ...[uuid, definition.name, definition.version, queue, priority, payload, runAt, attempts],
        ...[definition.timeLimitSeconds, unique.key, unique.until === 'finish', trace],
      ])
    ).rows;
    return inserted && { accepted: { id: uuid, duplicate: false, replaced: false }, due: dueOf(inserted) };
  }

  /** Undefined when the holder no longer is what it was when it was looked up. */
  private async share(
    send: Send,
    holder: Holder,
    task: PreparedTask,
    unique: UniqueKey,
    callerWrites: boolean,
  ): Promise<AcceptedUnique | undefined> {
    const answer = { id: holder.uuid, duplicate: true, replaced: false };
    if (unique.replace && holder.notStarted) {
      const { definition, priority, payload, runAt, attempts, trace } = task;
      const [replaced] = (
        await send<Touched>('holdfast replace unique', this.sql.replace, [
          ...[holder.id, unique.key, definition.version, priority, payload, runAt, attempts],
          ...[definition.timeLimitSeconds, trace],
        ])
      ).rows;
      return replaced && { accepted: { ...answer, replaced: true }, due: dueOf(replaced) };
    }
    if (!callerWrites || holder.untilFinish) return { accepted: answer, due: [] };
    const values = [holder.id, unique.key];
    const [kept] = (await send<Touched>('holdfast keep from starting', this.sql.keep_from_starting, values)).rows;
    // A claim may have passed over it meanwhile and dropped its id.
    return kept && { accepted: answer, due: dueOf(kept) };
  }
}

function dueOf({ id, queue, priority, due }: Touched): DispatchItem[] {
  return due ? [{ id, queue, priority }] : [];
}
