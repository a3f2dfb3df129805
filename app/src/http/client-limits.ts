import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { App } from './app';
import { Problem } from './problem';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** What one client may do in each web process; a client is an IPv4 address or a /64 of IPv6. */
export interface ClientLimits {
  /** Codes that it may ask for in an hour, for whatever addresses. */
  readonly codesAnHour: number;
  /** Codes that it may try in an hour, of whatever contacts. */
  readonly codeTriesAnHour: number;
  readonly signInsAMinute: number;
}

/** For people behind the one address of a library or a school; each code costs what a text message costs. */
export const CLIENT_LIMITS: ClientLimits = { codesAnHour: 30, codeTriesAnHour: 100, signInsAMinute: 10 };

/** A hook for `onRequest`. @throws Problem 429 with Retry-After */
type Limit = (request: FastifyRequest) => Promise<void>;

/** Each counts on its own, over all routes that have it as their hook. */
export interface Limits {
  readonly codes: Limit;
  readonly codeTries: Limit;
  readonly signIns: Limit;
}

/** Counts in memory: a process that starts anew begins at none, and with n web processes a client may do n times as much. */
export async function limitClients(app: App, most: ClientLimits): Promise<Limits> {
  await app.register(rateLimit, { global: false });
  return {
    codes: limitOf(app, { most: most.codesAnHour, seconds: HOUR, what: 'codes were asked for' }),
    codeTries: limitOf(app, { most: most.codeTriesAnHour, seconds: HOUR, what: 'codes were tried' }),
    signIns: limitOf(app, { most: most.signInsAMinute, seconds: MINUTE, what: 'attempts to sign in were made' }),
  };
}

interface LimitOptions {
  readonly most: number;
  readonly seconds: number;
  /** As in `More than 30 codes were asked for`. */
  readonly what: string;
}

function limitOf(app: App, { most, seconds, what }: LimitOptions): Limit {
  const count = app.createRateLimit({ max: most, timeWindow: seconds * 1000 });
  const window = seconds === HOUR ? 'an hour' : 'a minute';
  return async (request) => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    const left = Math.max(1, counted.ttlInSeconds);
    throw new Problem(
      429,
      `More than ${most} ${what} from your network within ${window}, the most allowed; try again in ${inWords(left)}.`,
      { headers: { 'retry-after': String(left) } },
    );
  };
}

function inWords(seconds: number): string {
  const minutes = Math.ceil(seconds / MINUTE);
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
