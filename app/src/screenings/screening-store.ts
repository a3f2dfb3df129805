import type { Queryable } from '../postgres/queryable';
import type { Screening, ScreeningContent } from './screening';
import {
  COUNT_SCREENINGS,
  DELETE_SCREENING,
  GET_SCREENING,
  INSERT_SCREENING,
  LIST_SCREENINGS,
  UPDATE_SCREENING,
} from './screenings.sql';

export interface ScreeningPage {
  readonly total: number;
  readonly items: readonly Screening[];
}

export const SCREENINGS_PER_PAGE = 12;

/**
 * What is still to come, in order.
 * @param query text that title or description must contain, in any case; empty for all
 * @param page from 1
 */
export async function listScreenings(database: Queryable, query: string, page: number): Promise<ScreeningPage> {
  const pattern = query === '' ? null : `%${query.replace(/[\\%_]/g, '\\$&')}%`;
  const [count, screenings] = await Promise.all([
    database.query<{ total: number }>(COUNT_SCREENINGS, [pattern]),
    database.query<Screening>(LIST_SCREENINGS, [pattern, SCREENINGS_PER_PAGE, (page - 1) * SCREENINGS_PER_PAGE]),
  ]);
  return { total: count.rows[0]?.total ?? 0, items: screenings.rows };
}

export async function getScreening(database: Queryable, id: string): Promise<Screening | undefined> {
  return (await database.query<Screening>(GET_SCREENING, [id])).rows[0];
}

export async function insertScreening(tx: Queryable, content: ScreeningContent): Promise<Screening> {
  const { title, description, room, startsAt } = content;
  const [row] = (await tx.query<Screening>(INSERT_SCREENING, [title, description, room, startsAt])).rows;
  if (row === undefined) throw new Error('an insert returned no row');
  return row;
}

/** @returns undefined when there is no such screening, or it has another version by now. */
export async function updateScreening(
  tx: Queryable,
  id: string,
  version: number,
  content: ScreeningContent,
): Promise<Screening | undefined> {
  const { title, description, room, startsAt } = content;
  return (await tx.query<Screening>(UPDATE_SCREENING, [id, version, title, description, room, startsAt])).rows[0];
}

/** @returns what was deleted. */
export async function deleteScreening(tx: Queryable, id: string): Promise<Screening | undefined> {
  return (await tx.query<Screening>(DELETE_SCREENING, [id])).rows[0];
}
