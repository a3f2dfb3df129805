import type { Queryable } from '../postgres/queryable';
import type { Transaction } from '../tasks';
import type { Poster } from './poster';
import {
  DELETE_EARLIER,
  DELETE_OF_SCREENING,
  DELETE_POSTER,
  INSERT_POSTER,
  LAST_UNFINISHED,
  LOCK_SCREENING,
  RANK_POSTER,
  SHOW_POSTER,
  SHOWN_POSTER,
  WITHOUT_POSTER,
} from './posters.sql';

/** Keeps others from accepting, finishing or deleting posters of the screening until the transaction ends. */
export async function lockScreening(tx: Transaction, screeningId: string): Promise<boolean> {
  return (await tx.query(LOCK_SCREENING, [screeningId])).rows.length > 0;
}

export async function recordPoster(
  tx: Transaction,
  { id, screeningId, taskId }: { readonly id: string; readonly screeningId: string; readonly taskId: string },
): Promise<void> {
  await tx.query(INSERT_POSTER, [id, screeningId, taskId]);
}

/**
 * Shows the poster in place of every earlier one, unless a later one is shown already: whichever is finished last, the
 * one that was uploaded last wins.
 * @returns the posters whose objects nobody needs any more; this one among them when it came too late.
 */
export async function showPoster(tx: Transaction, screeningId: string, poster: Poster): Promise<string[]> {
  await lockScreening(tx, screeningId);
  const rank = (await tx.query<{ isLate: boolean }>(RANK_POSTER, [poster.id])).rows[0];
  if (rank === undefined) return [poster.id];
  if (rank.isLate) {
    await tx.query(DELETE_POSTER, [poster.id]);
    return [poster.id];
  }
  const earlier = await tx.query<{ id: string }>(DELETE_EARLIER, [poster.id]);
  await tx.query(SHOW_POSTER, [poster.id, poster.width, poster.height]);
  return earlier.rows.map(({ id }) => id);
}

/** False once a later poster has replaced it, or its screening was deleted. */
export async function isKnown(tx: Transaction, posterId: string): Promise<boolean> {
  return (await tx.query(RANK_POSTER, [posterId])).rows.length > 0;
}

/** @returns the posters whose objects nobody needs any more. */
export async function forgetPostersOf(tx: Transaction, screeningId: string): Promise<string[]> {
  return (await tx.query<{ id: string }>(DELETE_OF_SCREENING, [screeningId])).rows.map(({ id }) => id);
}

/** Id of the poster that the screening shows. */
export async function shownPoster(database: Queryable, screeningId: string): Promise<string | undefined> {
  return (await database.query<{ id: string }>(SHOWN_POSTER, [screeningId])).rows[0]?.id;
}

/** Task of the last upload that is not shown: it waits, runs, or failed. */
export async function unfinishedTask(database: Queryable, screeningId: string): Promise<string | undefined> {
  return (await database.query<{ taskId: string }>(LAST_UNFINISHED, [screeningId])).rows[0]?.taskId;
}

/** Those of the ids that are no poster's. */
export async function withoutPoster(tx: Transaction, ids: readonly string[]): Promise<string[]> {
  return (await tx.query<{ id: string }>(WITHOUT_POSTER, [ids])).rows.map(({ id }) => id);
}
