import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { acceptInTime, UnknownOutcome } from '../http/accept-in-time';
import { discardRest } from '../http/discard-rest';
import { idempotencyKey } from '../http/idempotency-key';
import { Problem, unacceptableType } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { deleteInVain, ObjectTooLargeError } from '../objects/object-store';
import type { ObjectStore } from '../objects/object-store';
import type { Screenings } from '../screenings/screenings';
import type { Tasks } from '../tasks';
import { discardPosters } from './discard-posters';
import { makePoster } from './make-poster.task';
import { FORMATS } from './pictures';
import { originalKey } from './poster';
import { lockScreening, recordPoster } from './poster-store';

/** Largest file, in bytes. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** What the form around the file may add, in bytes. */
const FORM_BYTES = 16 * 1024;
/** The form's field. */
export const FIELD = 'poster';
const FORM_TYPE = 'multipart/form-data';
const FILE_TYPES: readonly string[] = Object.values(FORMATS).map(({ type }) => type);

/** For the registration of @fastify/multipart: one byte more than allowed tells a file that is too large. */
export const MULTIPART_OPTIONS = {
  throwFileSizeLimit: false,
  limits: { fileSize: MAX_FILE_BYTES + 1, files: 2, fields: 4, fieldSize: 1024, parts: 8 },
} as const;

export interface ReceivePosterDependencies {
  readonly tasks: Pick<Tasks, 'accept' | 'acceptMany' | 'transaction' | 'get'>;
  readonly objects: ObjectStore;
  readonly screenings: Pick<Screenings, 'get'>;
}

/** A hook: refuses what is no form, or says that it is too large, before anything is read. @throws Problem 413, 415 */
export async function refuseOtherBodies(request: FastifyRequest): Promise<void> {
  const type = request.headers['content-type'];
  const tooLong = Number(request.headers['content-length'] ?? NaN) > MAX_FILE_BYTES + FORM_BYTES;
  const isForm = type?.split(';', 1)[0]?.trim().toLowerCase() === FORM_TYPE;
  if (isForm && !tooLong) return;
  await discardRest(request.raw, MAX_FILE_BYTES);
  throw isForm ? tooLarge() : unacceptableType(type, [FORM_TYPE]);
}

/**
 * Stores the file of a form while it arrives, then accepts the task that makes the poster of it. What the file holds is
 * for the worker to find out. When anything fails the file is gone again.
 * @returns the task's id.
 * @throws Problem 400, 404, 413, 415, 422
 */
export async function receivePoster(
  { tasks, objects, screenings }: ReceivePosterDependencies,
  screeningId: string,
  request: FastifyRequest,
): Promise<string> {
  const posterId = randomUUID();
  const key = originalKey(posterId);
  const requestKey = idempotencyKey(request);
  let sha256: string;
  try {
    await screenings.get(screeningId);
    sha256 = await storeFile(objects, key, request);
  } catch (error) {
    await deleteInVain(objects, key);
    request.raw.unpipe();
    await discardRest(request.raw, MAX_FILE_BYTES);
    throw error instanceof ObjectTooLargeError ? tooLarge() : error;
  }
  const options = requestKey === undefined ? {} : { requestKey, requestFingerprint: `poster ${screeningId} ${sha256}` };
  try {
    const taskId = await acceptInTime(tasks, async (tx) => {
      if (!(await lockScreening(tx, screeningId))) throw new Problem(404, 'There is no such screening any more.');
      const { id, duplicate } = await tasks.accept(tx, makePoster, { posterId, screeningId }, options);
      // The task that exists has the file of its own request.
      if (duplicate) await discardPosters(tasks, tx, [posterId]);
      else await recordPoster(tx, { id: posterId, screeningId, taskId: id });
      return { taskId: id, answer: id };
    });
    concernsTask(request, taskId);
    return taskId;
  } catch (error) {
    // When nobody knows whether the task exists, it may still need the file.
    if (!(error instanceof UnknownOutcome)) await deleteInVain(objects, key);
    throw error;
  }
}

/** @returns the file's SHA-256, hexadecimal. */
async function storeFile(objects: ObjectStore, key: string, request: FastifyRequest): Promise<string> {
  const hash = createHash('sha256');
  let files = 0;
  for await (const part of partsOf(request)) {
    if (part.type !== 'file') continue;
    checkPart(part, files);
    const { bytes } = await objects.put(key, hashing(part.file, hash), { maxBytes: MAX_FILE_BYTES });
    if (bytes === 0) throw new Problem(400, 'The file is empty; send an image.');
    files += 1;
  }
  if (files === 0) throw new Problem(400, `The form holds no file; send an image as the field ${FIELD}.`);
  return hash.digest('hex');
}

async function* partsOf(request: FastifyRequest): AsyncGenerator<Multipart> {
  try {
    yield* request.parts();
  } catch (error) {
    throw unreadable(error);
  }
}

/** What the parser says of a form that is cut off, or is none, has no status; what it says of a limit has one. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof Error) || 'statusCode' in error) return error;
  return new Problem(400, `The form cannot be read: ${error.message}; send it whole, as ${FORM_TYPE}.`, {
    cause: error,
  });
}

function checkPart({ fieldname, filename, mimetype }: MultipartFile, files: number): void {
  if (fieldname !== FIELD) {
    throw new Problem(400, `The form has a file as ${JSON.stringify(fieldname)}; send one file as ${FIELD}.`);
  }
  if (files > 0) throw new Problem(400, 'The form holds more than one file; send one.');
  // What browsers send when nothing was chosen.
  if (filename === '') throw new Problem(400, 'No file was chosen; choose an image.');
  if (!FILE_TYPES.includes(mimetype)) {
    const types = FILE_TYPES.join(', ');
    throw new Problem(415, `The file's content type is ${JSON.stringify(mimetype)}; allowed is one of ${types}.`);
  }
}

/** The default of iterating would close the file's stream, and with it the form, when reading ends early. */
async function* hashing(source: Readable, hash: Hash): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      hash.update(part);
      yield part;
    }
  } catch (error) {
    throw unreadable(error);
  }
}

function tooLarge(): Problem {
  return new Problem(413, `The file is larger than ${MAX_FILE_BYTES} bytes (10 MiB), the most allowed.`, {
    headers: { connection: 'close' },
  });
}
