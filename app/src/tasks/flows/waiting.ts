import { InvalidTaskError } from '../errors';
import { idArray } from '../lanes';
import type { TaskState, Transaction } from '../types';
import type { Edge } from './edges';
import { FLOWS } from './flow-statements';

/** Tasks that others are to wait for, found in the ledger and kept from being pruned until the transaction ends. */
export interface Parents {
  readonly ids: readonly string[];
  readonly policies: readonly string[];
  /** Those that have failed already and stay so until the transaction ends. */
  readonly failed: readonly string[];
}

/** @throws InvalidTaskError naming those that are not in the ledger; nothing was written. */
export async function findParents(tx: Transaction, edges: readonly Edge[]): Promise<Parents> {
  const uuids = edges.map(({ id }) => id);
  const { rows } = await tx.query<{ id: string; uuid: string; state: TaskState }>(FLOWS.parents, [uuids]);
  const found = new Map(rows.map((row) => [row.uuid, row]));
  const missing = uuids.filter((uuid) => !found.has(uuid));
  if (missing.length > 0) {
    throw new InvalidTaskError(
      'after',
      `names ${missing.join(', ')}, not in the ledger: never accepted, or pruned since`,
    );
  }
  const policies = new Map(edges.map((edge) => [edge.id, edge.onFailure]));
  const cancels = ({ uuid, state }: { uuid: string; state: TaskState }): boolean =>
    policies.get(uuid) === 'cancel' && (state === 'dead' || state === 'cancelled');
  const failed = await holdFailed(tx, rows.filter(cancels));
  return {
    ids: rows.map(({ id }) => id),
    policies: rows.map(({ uuid }) => policies.get(uuid) ?? 'cancel'),
    failed,
  };
}

async function holdFailed(tx: Transaction, seen: readonly { readonly id: string }[]): Promise<string[]> {
  if (seen.length === 0) return [];
  const ids = idArray(seen.map(({ id }) => id));
  return (await tx.query<{ id: string }>(FLOWS.hold_failed, [ids])).rows.map(({ id }) => id);
}

/**
 * Makes tasks that this transaction has just accepted wait for their parents.
 * @returns what they are now: `queued` when there is nothing to wait for, `cancelled` when a parent has failed already.
 */
export async function beginWaiting(
  tx: Transaction,
  children: readonly string[],
  { ids, policies, failed }: Parents,
): Promise<'waiting' | 'queued' | 'cancelled'> {
  const values = [children, idArray(ids), policies, idArray(failed)];
  const { rows } = await tx.query<{ state: 'waiting' | 'queued' | 'cancelled' }>(FLOWS.begin_waiting, values);
  return rows[0]?.state ?? 'waiting';
}
