import type { Row } from './row';
import { acceptingRows } from './rows/accepting';
import { buildRows } from './rows/builds';
import { cacheRows } from './rows/cache';
import { callerRows } from './rows/callers';
import { clockRows } from './rows/clock';
import { conflictRows } from './rows/conflicts';
import { databaseRows } from './rows/database';
import { externalRows } from './rows/external';
import { frozenRows } from './rows/frozen';
import { instanceRows } from './rows/instances';
import { objectStoreRows } from './rows/object-store';
import { oneKeyRows } from './rows/one-key';
import { poisonRows } from './rows/poison';
import { redisRows } from './rows/redis';
import { redisMovesRows } from './rows/redis-moves';
import { redisPartlyRows } from './rows/redis-partly';
import { restoreRows } from './rows/restore';
import { rolloutRows } from './rows/rollout';
import { scaleInRows } from './rows/scale-in';
import { scheduleRows } from './rows/schedules';
import { selfInflictedRows } from './rows/self-inflicted';
import { workerRows } from './rows/workers';

const FAMILIES = 'PRDEI';

/** Every fault that Holdfast survives, in the order of the report. */
export const ROWS: readonly Row[] = [
  ...workerRows,
  ...frozenRows,
  ...poisonRows,
  ...selfInflictedRows,
  ...acceptingRows,
  ...callerRows,
  ...oneKeyRows,
  ...buildRows,
  ...scheduleRows,
  ...clockRows,
  ...redisRows,
  ...redisMovesRows,
  ...redisPartlyRows,
  ...cacheRows,
  ...databaseRows,
  ...conflictRows,
  ...restoreRows,
  ...externalRows,
  ...objectStoreRows,
  ...instanceRows,
  ...rolloutRows,
  ...scaleInRows,
].sort(byPlace);

/** @throws Error when there is none of this id. */
export function rowOf(id: string): Row {
  const row = ROWS.find((each) => each.id === id);
  if (row === undefined) throw new Error(`there is no row ${id}`);
  return row;
}

/** Compares two rows by their letters, then their numbers. */
export function byPlace(a: { readonly id: string }, b: { readonly id: string }): number {
  const place = (id: string): number => FAMILIES.indexOf(id.charAt(0)) * 100 + Number(id.slice(1));
  return place(a.id) - place(b.id);
}
