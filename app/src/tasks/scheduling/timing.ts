import { Cron } from 'croner';
import { DefinitionError } from '../errors';

/** When a schedule ticks. */
export type Timing =
  | { readonly every: number; readonly cron?: never; readonly zone?: never }
  | { readonly cron: string; readonly zone: string; readonly every?: never };

/** Ticks between two moments. */
export interface Ticks {
  readonly count: number;
  /** The last MAX_TICKS of them, oldest first. */
  readonly newest: readonly Date[];
}

/** The most ticks of one schedule that are accepted at once. */
export const MAX_TICKS = 100;
const FIELDS = 5;
/** A tick costs 0.2 ms to work out; after this many, others get a turn. */
const TURN_TICKS = 200;

/**
 * @throws DefinitionError when the timing cannot be understood, or never ticks.
 * @param where as shown in the error.
 */
export function checkTiming(where: string, timing: Timing): void {
  if (timing.every !== undefined) return;
  const { cron, zone } = timing;
  if (!isZone(zone)) throw new DefinitionError(where, 'zone', zone, 'an IANA name such as Europe/Berlin or UTC');
  if (cron.trim().split(/\s+/).length !== FIELDS) {
    throw new DefinitionError(where, 'cron', cron, 'five fields: minute, hour, day of month, month, day of week');
  }
  let first: Date | null;
  try {
    first = parsed(timing).nextRun();
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    throw new DefinitionError(where, 'cron', cron, `five fields as of cron (${reason})`);
  }
  if (first === null) throw new DefinitionError(where, 'cron', cron, 'a time that comes at least once');
}

/** The first tick after that moment; the same whoever asks, and whenever. */
export function tickAfter(timing: Timing, moment: Date): Date | undefined {
  if (timing.every === undefined) return parsed(timing).nextRun(moment) ?? undefined;
  const everyMs = timing.every * 1000;
  return new Date((Math.floor(moment.getTime() / everyMs) + 1) * everyMs);
}

/** The ticks after `from` up to and including `to`. */
export async function ticksBetween(timing: Timing, from: Date, to: Date): Promise<Ticks> {
  if (timing.every !== undefined) return multiplesBetween(timing.every * 1000, from.getTime(), to.getTime());
  const cron = parsed(timing);
  let newest: Date[] = [];
  let count = 0;
  for (let tick = cron.nextRun(from); tick !== null && tick <= to; tick = cron.nextRun(tick)) {
    count += 1;
    newest.push(tick);
    if (newest.length > MAX_TICKS * 2) newest = newest.slice(-MAX_TICKS);
    if (count % TURN_TICKS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { count, newest: newest.slice(-MAX_TICKS) };
}

function multiplesBetween(everyMs: number, fromMs: number, toMs: number): Ticks {
  const last = Math.floor(toMs / everyMs);
  const count = Math.max(0, last - Math.floor(fromMs / everyMs));
  const shown = Math.min(count, MAX_TICKS);
  return { count, newest: Array.from({ length: shown }, (_, i) => new Date((last - shown + 1 + i) * everyMs)) };
}

/**
 * Around changes of the clock as Vixie cron: without `*` or a step in minutes and hours a time that is skipped ticks at the
 * end of the gap, and one that comes twice ticks the first time; with one, ticks follow real time through both.
 */
function parsed({ cron, zone }: { readonly cron: string; readonly zone: string }): Cron {
  return new Cron(cron, { timezone: zone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
}

function isZone(zone: string): boolean {
  // Offsets such as +02:00 are zones to JavaScript, but know no change of the clock.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
