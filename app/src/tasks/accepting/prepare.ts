import { v7 as uuid } from 'uuid';
import type { PayloadInput, TaskDefinition } from '../definition';
import { isValidName, nameRule, PRIORITIES } from '../definition';
import { InvalidTaskError } from '../errors';
import { edgesOf } from '../flows/edges';
import type { Edge } from '../flows/edges';
import { toJson } from '../json';
import { priorityNumber } from '../lanes';
import type { AcceptOptions } from '../types';
import { isTraceparent } from './trace';

/** A task that was checked and only needs its row. */
export interface PreparedTask {
  readonly uuid: string;
  readonly definition: TaskDefinition;
  readonly queue: string;
  readonly priority: number;
  readonly payload: string;
  readonly runAt: Date | undefined;
  readonly attempts: number;
  readonly trace: string | undefined;
  /** What it is to wait for. */
  readonly after: readonly Edge[] | undefined;
}

/** Anything larger travels as an object by its key. Redis never sees payloads; this bounds rows and claims. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;
/** JSON.stringify writes no larger exponent than 308, and no smaller than -324. */
const EXPONENT = /\de[+-](\d{1,3})/g;
const MAX_DELAY_MS = 366 * 24 * 3600 * 1000;

/**
 * Checks what a caller wants to accept, before any connection is used.
 * @throws InvalidTaskError naming the part that is wrong.
 */
export function prepare<D extends TaskDefinition>(
  definition: D,
  payload: PayloadInput<D>,
  options: AcceptOptions = {},
): PreparedTask {
  const queue = options.queue ?? definition.queue;
  if (!isValidName(queue)) throw new InvalidTaskError('queue', `${JSON.stringify(queue)} is not a name: ${nameRule}`);
  const priority = options.priority ?? definition.priority;
  if (!PRIORITIES.includes(priority)) {
    throw new InvalidTaskError('priority', `${JSON.stringify(priority)} is not one of ${PRIORITIES.join(', ')}`);
  }
  const attempts = options.attempts ?? definition.attempts;
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100) {
    throw new InvalidTaskError('attempts', `${String(attempts)} is not a whole number from 1 to 100`);
  }
  checkRunAt(options.runAt);
  if (options.trace !== undefined && !isTraceparent(options.trace)) {
    throw new InvalidTaskError('trace', `${JSON.stringify(options.trace)} is no W3C traceparent`);
  }
  return {
    uuid: uuid(),
    definition,
    queue,
    priority: priorityNumber(priority),
    payload: serialise(definition, payload),
    runAt: options.runAt,
    attempts,
    trace: options.trace,
    after: edgesOf(options.after),
  };
}

function checkRunAt(runAt: Date | undefined): void {
  if (runAt === undefined) return;
  if (Number.isNaN(runAt.getTime())) throw new InvalidTaskError('runAt', 'is not a valid date');
  if (runAt.getTime() > Date.now() + MAX_DELAY_MS) {
    throw new InvalidTaskError('runAt', `${runAt.toISOString()} is more than a year ahead`);
  }
}

/** The payload as JSON, checked in the form in which the handler will get it. */
function serialise(definition: TaskDefinition, payload: unknown): string {
  let json: string | undefined;
  try {
    json = toJson(payload);
  } catch (error) {
    throw new InvalidTaskError('payload', `cannot be written as JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (json === undefined)
    throw new InvalidTaskError('payload', 'cannot be written as JSON: it is undefined or a function');
  const bytes = storedBytes(json);
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw new InvalidTaskError(
      'payload',
      `has ${bytes} bytes of JSON; at most ${MAX_PAYLOAD_BYTES} are allowed: store it as an object and pass its key`,
    );
  }
  const parsed = definition.payload.safeParse(JSON.parse(json));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = ['payload', ...(issue?.path ?? [])].map(String).join('.');
    throw new InvalidTaskError(path, `${issue?.message ?? 'does not fit'} (task '${definition.name}')`);
  }
  return json;
}

/**
 * Bytes of the payload as PostgreSQL hands it out again. It writes numbers out: 1e308, five bytes, comes back as 309.
 * A number within a text is counted as if it were one; nobody has texts full of them.
 */
function storedBytes(json: string): number {
  let bytes = Buffer.byteLength(json);
  for (const [, exponent] of json.matchAll(EXPONENT)) bytes += Number(exponent);
  return bytes;
}
