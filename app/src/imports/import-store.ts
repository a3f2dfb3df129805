import type { Queryable } from '../postgres/queryable';
import type { Transaction } from '../tasks';
import {
  ADD_BAD_ROWS,
  ADD_COUNTS,
  FIND_IMPORT,
  LIST_BAD_ROWS,
  RECORD_IMPORT,
  RESTART_IMPORT,
  WITHOUT_IMPORT,
} from './imports.sql';
import type { Format } from './raw-row';

export interface Import {
  readonly taskId: string;
  readonly format: Format;
  /** Size of the file in bytes. */
  readonly bytes: number;
  /** Rows in the file. */
  readonly rows: number;
  readonly imported: number;
  readonly refused: number;
}

export interface BadRow {
  /** Element number from 1 (JSON) or line (CSV). */
  readonly row: number;
  readonly reason: string;
}

export const BAD_ROWS_PER_PAGE = 100;

export async function recordImport(
  tx: Transaction,
  given: Pick<Import, 'taskId' | 'format' | 'bytes' | 'rows'> & { readonly objectKey: string },
): Promise<void> {
  await tx.query(RECORD_IMPORT, [given.taskId, given.format, given.objectKey, given.bytes, given.rows]);
}

/** Forgets what an earlier attempt reported. The films that it wrote stay: this attempt writes them again. */
export async function restartImport(tx: Transaction, taskId: string): Promise<void> {
  await tx.query(RESTART_IMPORT, [taskId]);
}

export async function reportRows(
  tx: Transaction,
  taskId: string,
  report: { readonly imported: number; readonly badRows: readonly BadRow[] },
): Promise<void> {
  const { imported, badRows } = report;
  if (badRows.length > 0) {
    await tx.query(ADD_BAD_ROWS, [taskId, badRows.map(({ row }) => row), badRows.map(({ reason }) => reason)]);
  }
  await tx.query(ADD_COUNTS, [taskId, imported, badRows.length]);
}

export async function findImport(database: Queryable, taskId: string): Promise<Import | undefined> {
  const found = await database.query<Import>(FIND_IMPORT, [taskId]);
  return found.rows[0];
}

/** @param page from 1 */
export async function listBadRows(database: Queryable, taskId: string, page: number): Promise<BadRow[]> {
  const found = await database.query<BadRow>(LIST_BAD_ROWS, [
    taskId,
    BAD_ROWS_PER_PAGE,
    (page - 1) * BAD_ROWS_PER_PAGE,
  ]);
  return found.rows;
}

/** Those of the keys of stored files that belong to no import. */
export async function withoutImport(tx: Transaction, objectKeys: readonly string[]): Promise<string[]> {
  const found = await tx.query<{ key: string }>(WITHOUT_IMPORT, [objectKeys]);
  return found.rows.map(({ key }) => key);
}
