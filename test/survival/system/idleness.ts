import type { WellSpan } from './life';

/** One run of a task, as the ledger tells of it afterwards. Times in ms since 1970. */
export interface Run {
  /** Registration of the worker that ran it. */
  readonly worker: string | null;
  /** name@version */
  readonly kind: string;
  readonly queue: string;
  /** Since when workers could have begun it; undefined when nobody knows. */
  readonly dueMs: number | undefined;
  readonly startedMs: number | null;
  /** Null when it did not end where it ran. */
  readonly endedMs: number | null;
}

/** A worker process as the ledger knows it; under another id after a lost lease. */
export interface Registration {
  readonly id: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** Since when a handler of it hangs, so that it takes nothing more, in ms since 1970. */
  readonly hungMs: number | null;
}

/** A time. Both in ms since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Tasks that wait for less are on their way, and no backlog. */
const ON_THE_WAY_MS = 1_000;
/** A worker that does something more often than this does not stand idle. */
const BUSY_MS = 500;

/**
 * The longest time in ms within `window` for which a worker that was well had a free slot, and neither began nor ended
 * a task, while there was always one that it could have begun.
 */
export function longestIdleMs(
  spans: readonly WellSpan[],
  { registrations, runs, window }: { registrations: readonly Registration[]; runs: readonly Run[]; window: Span },
): number {
  const known = registrations.filter(({ pid }) => spans.some((span) => span.pid === pid));
  const ids = new Set(known.map(({ id }) => id));
  const mine = runs.filter(({ worker }) => worker !== null && ids.has(worker));
  const moments = mine
    .flatMap(({ startedMs, endedMs }) => [startedMs, endedMs].filter((ms) => ms !== null))
    .sort((a, b) => a - b);
  const slots = Math.max(...known.map(({ concurrency }) => concurrency));
  const backlog = backlogOf(known, runs);
  let longest = 0;
  for (const span of spans) {
    const hung = known.filter(({ pid, hungMs }) => pid === span.pid && hungMs !== null).map(({ hungMs }) => hungMs!);
    const fromMs = Math.max(span.fromMs, window.fromMs);
    const toMs = Math.min(span.toMs, window.toMs, ...hung);
    if (fromMs >= toMs) continue;
    const within = [fromMs, ...moments.filter((ms) => ms > fromMs && ms < toMs), toMs];
    for (const [i, end] of within.entries()) {
      const start = within[i - 1];
      if (start === undefined || end - start <= Math.max(longest, BUSY_MS)) continue;
      const busy = mine.filter((run) => (run.startedMs ?? end) <= start && (run.endedMs ?? start) >= end).length;
      if (busy < slots) longest = Math.max(longest, longestWithin(backlog, { fromMs: start, toMs: end }));
    }
  }
  return longest;
}

/** When there was always a task that these could have begun, in the order of time. */
function backlogOf(takers: readonly Registration[], runs: readonly Run[]): Span[] {
  const queues = new Set(takers.flatMap((taker) => taker.queues));
  const kinds = new Set(takers.flatMap((taker) => taker.kinds));
  const waits = runs
    .filter(({ queue, kind }) => queues.has(queue) && kinds.has(kind))
    .flatMap(({ dueMs, startedMs }) =>
      dueMs === undefined || startedMs === null ? [] : [{ fromMs: dueMs + ON_THE_WAY_MS, toMs: startedMs }],
    )
    .filter(({ fromMs, toMs }) => fromMs < toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const merged: Span[] = [];
  for (const wait of waits) {
    const last = merged.at(-1);
    if (last === undefined || wait.fromMs > last.toMs) merged.push(wait);
    else merged.splice(-1, 1, { fromMs: last.fromMs, toMs: Math.max(last.toMs, wait.toMs) });
  }
  return merged;
}

function longestWithin(spans: readonly Span[], { fromMs, toMs }: Span): number {
  return Math.max(0, ...spans.map((span) => Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs)));
}
