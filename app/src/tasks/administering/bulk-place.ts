import { createHash } from 'node:crypto';
import { isValidName } from '../definition';
import { InvalidTaskError } from '../errors';
import type { BulkFilter, TaskState } from '../types';
import type { BulkAction } from './bulk-filter';

/** Statements by which a bulk finds its tasks (administer.sql), each reading one index in its order. */
export const BULK_SOURCES = ['unfinished', 'parked', 'dead', 'cancelled'] as const;
export type BulkSource = (typeof BULK_SOURCES)[number];

/** The last task that was looked at, as the index orders tasks: by lane for `unfinished`, by id alone for the others. */
export type BulkKey = readonly [queue: string, priority: number, runAt: string, id: string];
const FIRST: BulkKey = ['', 0, '-infinity', '0'];
/** Rows that somebody held, or that moved behind the place, are found by going through once more. */
const MOST_PASSES = 4;

/** Where a bulk is. */
export interface BulkPlace {
  /** What was accepted from this moment on is not meant, or a busy queue would keep a bulk going for ever. */
  readonly before: string;
  /** How often it has gone through everything. */
  readonly pass: number;
  /** Tasks that this pass has found and left as they are. */
  readonly left: number;
  readonly source: BulkSource;
  readonly key: BulkKey;
}

export function sourcesOf(states: readonly TaskState[]): readonly BulkSource[] {
  const unfinished = states.filter((state) => state !== 'dead' && state !== 'cancelled');
  const isParked = unfinished.every((state) => state === 'parked');
  return [
    ...(unfinished.length === 0 ? [] : [isParked ? ('parked' as const) : ('unfinished' as const)]),
    ...(['dead', 'cancelled'] as const).filter((state) => states.includes(state)),
  ];
}

export function firstPlace(before: string, [source = 'unfinished']: readonly BulkSource[]): BulkPlace {
  return { before, pass: 0, left: 0, source, key: FIRST };
}

/** When nothing is behind a place any more: undefined when the bulk is complete. */
export function followingPlace(
  action: BulkAction,
  place: BulkPlace,
  sources: readonly BulkSource[],
): BulkPlace | undefined {
  const source = sources[sources.indexOf(place.source) + 1];
  if (source !== undefined) return { ...place, source, key: FIRST };
  const pass = place.pass + 1;
  // What could not be retried will not be a moment later.
  if (place.left === 0 || action === 'retry' || pass === MOST_PASSES) return undefined;
  return { ...firstPlace(place.before, sources), pass };
}

/** For whoever goes on later. */
export function cursorOf(action: BulkAction, filter: BulkFilter, place: BulkPlace): string {
  const { before, pass, left, source, key } = place;
  const parts = [action, hashOf(filter), before, pass, left, source, ...key];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws InvalidTaskError when it is no cursor, or one of another action or filter. */
export function placeOf(
  cursor: string,
  action: BulkAction,
  filter: BulkFilter,
  sources: readonly BulkSource[],
): BulkPlace {
  const parts = partsOf(cursor);
  if (parts?.length !== 10) throw new InvalidTaskError('after', 'is not the cursor of a bulk');
  const [itsAction, itsFilter, before, pass, left, source, queue, priority, runAt, id] = parts;
  if (itsAction !== action || itsFilter !== hashOf(filter)) {
    throw new InvalidTaskError('after', 'is the cursor of a bulk of another kind or filter; go on with the same');
  }
  const known = sources.find((one) => one === source);
  if (
    known === undefined ||
    !isMoment(before) ||
    !isCount(pass, MOST_PASSES - 1) ||
    !isCount(left, Number.MAX_SAFE_INTEGER) ||
    typeof queue !== 'string' ||
    !(queue === '' || isValidName(queue)) ||
    !isCount(priority, 3) ||
    !(runAt === 'infinity' || runAt === '-infinity' || isMoment(runAt)) ||
    typeof id !== 'string' ||
    !/^\d{1,18}$/.test(id)
  ) {
    throw new InvalidTaskError('after', 'is not the cursor of a bulk');
  }
  return { before, pass, left, source: known, key: [queue, priority, runAt, id] };
}

function partsOf(cursor: string): readonly unknown[] | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node passes over what is not base64url.
  if (bytes.toString('base64url') !== cursor) return undefined;
  try {
    const parts: unknown = JSON.parse(bytes.toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

function hashOf({ queue, name, state, acceptedBefore }: BulkFilter): string {
  const parts = [queue ?? null, name ?? null, state ?? null, acceptedBefore?.toISOString() ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= max;
}

/** In milliseconds or microseconds, as PostgreSQL reads it as well. */
function isMoment(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}){1,2}Z$/.test(value)) return false;
  const date = new Date(value);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 23) === value.slice(0, 23);
}
