import { filmRowChecker } from '../films/film-row';
import { upsertFilms } from '../films/film-store';
import type { NumberedFilm } from '../films/film-store';
import { discardObject } from '../objects/discard.task';
import { ObjectMissingError } from '../objects/object-store';
import type { ObjectStore } from '../objects/object-store';
import { handle, NonRetryable } from '../tasks';
import type { HandlerResult, TaskContext, TaskHandler, Tasks } from '../tasks';
import { reportRows, restartImport } from './import-store';
import type { BadRow } from './import-store';
import { importFilms } from './import.task';
import { MalformedFileError } from './malformed-file-error';
import { readRows } from './raw-row';
import type { RawRow } from './raw-row';

/** Rows that are written in one transaction: enough that commits cost little, few enough to end within a second. */
const BATCH_ROWS = 500;

export interface ImportDependencies {
  readonly tasks: Pick<Tasks, 'accept'>;
  readonly objects: ObjectStore;
}

/**
 * Reads the file from its beginning and writes its films in batches, each with its bad rows and counts under the
 * task's fence. A second attempt starts over: it forgets the counts and bad rows of the first and writes the same films
 * over themselves. The file is deleted by a task that the completing transaction accepts; the file of a dead import
 * stays, so that it can be retried.
 */
export function importFilmsHandler({ tasks, objects }: ImportDependencies): TaskHandler {
  return handle(importFilms, async (context) => {
    const { payload, taskId, signal } = context;
    context.effects(async (tx) => {
      await tasks.accept(tx, discardObject, { key: payload.objectKey });
    });
    const source = await open(objects, payload.objectKey, signal);
    const abort = (): void => void source.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await context.transaction((tx) => restartImport(tx, taskId));
      return await importRows(context, readRows(payload.format, source));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof MalformedFileError ? new NonRetryable(error.message, { cause: error }) : error;
    } finally {
      signal.removeEventListener('abort', abort);
      source.destroy();
    }
  });
}

type ImportContext = TaskContext<typeof importFilms>;
type ImportSummary = HandlerResult<typeof importFilms>;

async function importRows(context: ImportContext, rows: AsyncIterable<RawRow>): Promise<ImportSummary> {
  const check = filmRowChecker(new Date(context.payload.receivedAt));
  const done = { rows: 0, imported: 0, refused: 0, total: context.payload.rows };
  let films: NumberedFilm[] = [];
  let badRows: BadRow[] = [];
  const flush = async (): Promise<void> => {
    context.signal.throwIfAborted();
    const written = await writeBatch(context, films, badRows);
    done.rows += films.length + badRows.length;
    done.imported += written.imported;
    done.refused += written.refused;
    context.progress({ ...done });
    films = [];
    badRows = [];
  };
  for await (const raw of rows) {
    const checked = 'problem' in raw ? { reason: raw.problem } : check(raw.value);
    if ('film' in checked) films.push({ row: raw.row, film: checked.film });
    else badRows.push({ row: raw.row, reason: checked.reason });
    if (films.length + badRows.length >= BATCH_ROWS) await flush();
  }
  await flush();
  context.log.info({ ...done }, 'films imported');
  return { rows: done.rows, imported: done.imported, refused: done.refused };
}

async function writeBatch(
  context: ImportContext,
  films: readonly NumberedFilm[],
  badRows: readonly BadRow[],
): Promise<{ readonly imported: number; readonly refused: number }> {
  return await context.transaction(async (tx) => {
    const repeated = films.length === 0 ? [] : await upsertFilms(tx, context.taskId, films);
    const refused = [
      ...badRows,
      ...repeated.map(({ row, firstRow }) => ({
        row,
        reason: `the row is the same film (title and release year) as row ${firstRow}`,
      })),
    ];
    const imported = films.length - repeated.length;
    await reportRows(tx, context.taskId, { imported, badRows: refused });
    return { imported, refused: refused.length };
  });
}

async function open(objects: ObjectStore, key: string, signal: AbortSignal) {
  try {
    return await objects.get(key, { signal });
  } catch (error) {
    throw error instanceof ObjectMissingError ? new NonRetryable(error.message, { cause: error }) : error;
  }
}
