import type { TaskContext, Transaction } from '../tasks';
import type { ObjectStore } from './object-store';

/** Keys that are looked up in one statement. */
const BATCH_KEYS = 500;

export interface SweepOptions {
  readonly prefix: `${string}/`;
  /** Younger ones may belong to something whose acceptance is still under way. */
  readonly storedBefore: Date;
  /** Those of the keys that nobody will ever need. */
  readonly orphans: (tx: Transaction, keys: readonly string[]) => Promise<readonly string[]>;
}

export interface Swept {
  readonly looked: number;
  readonly deleted: number;
}

/** Deletes stored objects that have no owner. */
export async function sweepObjects(
  { transaction, signal }: Pick<TaskContext, 'transaction' | 'signal'>,
  objects: ObjectStore,
  { prefix, storedBefore, orphans }: SweepOptions,
): Promise<Swept> {
  const swept = { looked: 0, deleted: 0 };
  let keys: string[] = [];
  const flush = async (): Promise<void> => {
    swept.looked += keys.length;
    for (const key of await transaction((tx) => orphans(tx, keys))) {
      signal.throwIfAborted();
      await objects.delete(key);
      swept.deleted += 1;
    }
    keys = [];
  };
  for await (const { key, modifiedAt } of objects.list(prefix)) {
    signal.throwIfAborted();
    if (modifiedAt < storedBefore) keys.push(key);
    if (keys.length >= BATCH_KEYS) await flush();
  }
  if (keys.length > 0) await flush();
  return swept;
}
