import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import { acceptInTime, UnknownOutcome } from '../http/accept-in-time';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { discardRest } from '../http/discard-rest';
import { idempotencyHeaders, idempotencyKey } from '../http/idempotency-key';
import { Problem, problemResponses, unacceptableType } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { discardObject } from '../objects/discard.task';
import { deleteInVain, ObjectTooLargeError } from '../objects/object-store';
import type { ObjectStore } from '../objects/object-store';
import { TASK_STATES } from '../tasks';
import type { AcceptedTask, Tasks } from '../tasks';
import { queryNumber, strictObject, uuid } from '../validation/values';
import { BAD_ROWS_PER_PAGE, findImport, listBadRows, recordImport } from './import-store';
import { importFilms } from './import.task';
import { MalformedFileError } from './malformed-file-error';
import { FORMATS } from './raw-row';
import type { Format } from './raw-row';
import { MAX_FILE_BYTES, storeFile, UPLOADS_PREFIX } from './upload';
import type { Upload } from './upload';

export interface ImportRouteDependencies {
  readonly tasks: Tasks;
  readonly objects: ObjectStore;
  readonly database: Queryable;
}

const FORMAT_OF: Readonly<Record<string, Format>> = { 'application/json': 'json', 'text/csv': 'csv' };
const ACCEPTED_TYPES = Object.keys(FORMAT_OF).join(' or ');

const importSchema = z.object({
  taskId: z.uuid(),
  state: z.enum(TASK_STATES),
  progress: z.unknown(),
  format: z.enum(FORMATS),
  bytes: z.int(),
  rows: z.int().describe('Rows in the file'),
  imported: z.int(),
  refused: z.int(),
  page: z.int(),
  badRows: z.array(
    z.object({ row: z.int().describe('Element number from 1 (JSON) or line (CSV)'), reason: z.string() }),
  ),
});

export function registerImportRoutes(app: App, { tasks, objects, database }: ImportRouteDependencies): void {
  // A scope of its own: here bodies are streams, whatever their type.
  void app.register(async (scope: App) => {
    await Promise.resolve();
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post(
      '/api/imports',
      {
        bodyLimit: MAX_FILE_BYTES,
        schema: {
          tags: ['imports'],
          summary: 'Import a file of films',
          description:
            `A JSON array (application/json) or a CSV file with a header line (text/csv), UTF-8, at most ${MAX_FILE_BYTES} ` +
            'bytes. The file is stored and read to its end before the import is accepted.',
          consumes: Object.keys(FORMAT_OF),
          headers: idempotencyHeaders,
          body: z.custom<Readable>().meta({ description: 'The file itself' }),
          response: {
            202: z.object({ taskId: z.uuid() }).describe('Accepted: the import will be done'),
            ...problemResponses,
          },
        },
      },
      async (request, reply) => {
        const format = formatOf(request);
        const body = request.body as Readable | undefined;
        if (body === undefined) throw emptyFile();
        const taskId = await receive({ tasks, objects }, format, body, request);
        return reply.code(202).header('location', `/api/imports/${taskId}`).send({ taskId });
      },
    );
  });

  app.get(
    '/api/imports/:taskId',
    {
      schema: {
        tags: ['imports'],
        summary: `What became of an import, with its bad rows, ${BAD_ROWS_PER_PAGE} a page`,
        params: strictObject({ taskId: uuid() }),
        querystring: strictObject({ page: queryNumber({ min: 1, max: 100_000, otherwise: 1 }) }),
        response: { 200: importSchema.describe('The import'), ...problemResponses },
      },
    },
    async (request) => {
      const { taskId } = request.params;
      const { page } = request.query;
      concernsTask(request, taskId);
      const [task, found, badRows] = await inTime(
        Promise.all([tasks.get(taskId), findImport(database, taskId), listBadRows(database, taskId, page)]),
      );
      if (task === undefined || found === undefined)
        throw new Problem(404, `There is no import with the task ${taskId}.`);
      return { ...found, state: task.state, progress: task.progress, page, badRows };
    },
  );
}

/** Stores the file, then accepts its task; when either fails, the file is gone again. */
async function receive(
  { tasks, objects }: Pick<ImportRouteDependencies, 'tasks' | 'objects'>,
  format: Format,
  body: Readable,
  request: FastifyRequest,
): Promise<string> {
  const objectKey = `${UPLOADS_PREFIX}${randomUUID()}`;
  const requestKey = idempotencyKey(request);
  const began = performance.now();
  let upload: Upload;
  try {
    upload = await storeFile(objects, objectKey, format, body);
  } catch (error) {
    await discardRest(body, MAX_FILE_BYTES);
    throw uploadProblem(error);
  }
  try {
    const { id: taskId, duplicate } = await accept(tasks, { objectKey, format, ...upload }, requestKey);
    // The import that exists has the file of its own request.
    if (duplicate) await objects.delete(objectKey).catch(() => tasks.accept(discardObject, { key: objectKey }));
    concernsTask(request, taskId);
    request.log.info({ format, ...upload, durationMs: Math.round(performance.now() - began) }, 'import accepted');
    return taskId;
  } catch (error) {
    // When nobody knows whether the task exists, it may still need the file.
    if (!(error instanceof UnknownOutcome)) await deleteInVain(objects, objectKey);
    throw error;
  }
}

async function accept(
  tasks: Tasks,
  file: Upload & { readonly objectKey: string; readonly format: Format },
  requestKey: string | undefined,
): Promise<AcceptedTask> {
  const { objectKey, format, bytes, rows, sha256 } = file;
  const options = requestKey === undefined ? {} : { requestKey, requestFingerprint: `${format} ${sha256}` };
  const payload = { objectKey, format, rows, receivedAt: new Date().toISOString() };
  return await acceptInTime(tasks, async (tx) => {
    const accepted = await tasks.accept(tx, importFilms, payload, options);
    const { id, duplicate } = accepted;
    if (!duplicate) await recordImport(tx, { taskId: id, format, bytes, rows, objectKey });
    return { taskId: id, answer: accepted };
  });
}

function formatOf(request: FastifyRequest): Format {
  const header = request.headers['content-type'];
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const format = FORMAT_OF[type];
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (format === undefined) throw unacceptableType(header, Object.keys(FORMAT_OF));
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw new Problem(415, `The character set ${charset} is not accepted; send UTF-8.`);
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Problem(
      415,
      `The content encoding ${JSON.stringify(encoding)} is not accepted; send the file uncompressed.`,
    );
  }
  const length = Number(request.headers['content-length'] ?? NaN);
  if (length === 0) throw emptyFile();
  if (length > MAX_FILE_BYTES) throw tooLarge();
  return format;
}

function uploadProblem(error: unknown): unknown {
  if (error instanceof MalformedFileError) {
    return new Problem(error.kind === 'syntax' ? 400 : 422, error.message, {
      headers: { connection: 'close' },
      cause: error,
    });
  }
  return error instanceof ObjectTooLargeError ? tooLarge() : error;
}

function emptyFile(): Problem {
  return new Problem(400, `The body is empty; send a file of films as ${ACCEPTED_TYPES}.`);
}

function tooLarge(): Problem {
  return new Problem(413, `The file is larger than ${MAX_FILE_BYTES} bytes, the most allowed; send it in parts.`, {
    headers: { connection: 'close' },
  });
}
