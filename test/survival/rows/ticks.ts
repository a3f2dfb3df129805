import type { Trial } from '../trial';

/** A tick that was accepted; times in ms since 1970. */
export interface Tick {
  readonly dueMs: number;
  readonly acceptedMs: number;
}

/** A time without a scheduler; in ms since 1970. */
export interface Down {
  readonly killedMs: number;
  /** When the next scheduler had a connection: it has accepted nothing before. */
  readonly connectedMs: number;
}

interface Course {
  /** In the order of their being due. */
  readonly ticks: readonly Tick[];
  readonly downs: readonly Down[];
  readonly everyMs: number;
}

/**
 * Whether the ticks are those of the policy `latest`: of those that were missed the last one is made up when a scheduler is
 * back, and none is missing while one is there.
 */
export function checkTicks(trial: Trial, { ticks, downs, everyMs }: Course): void {
  const tickAt = (ms: number): number => Math.floor(ms / everyMs) * everyMs;
  const backs = downs.map(({ killedMs, connectedMs }) => {
    const first = ticks.find(({ acceptedMs }) => acceptedMs > killedMs);
    return { fromMs: tickAt(killedMs), toMs: tickAt(first?.acceptedMs ?? Infinity), first, connectedMs };
  });
  const due = new Set(ticks.map(({ dueMs }) => dueMs));
  const last = ticks.at(-1)?.dueMs ?? 0;
  const missing: number[] = [];
  for (let ms = ticks[0]?.dueMs ?? 0; ms < last; ms += everyMs) if (!due.has(ms)) missing.push(ms);
  const unexplained = missing.filter((ms) => !backs.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs));
  trial.check(unexplained.length === 0, `ticks are missing although a scheduler was there: ${times(unexplained)}`);
  trial.check(last >= tickAt(Date.now()) - everyMs, `nothing ticks any more since ${times([last])}`);

  // Not all: a tick may come between the connection and the first look, and then that is the latest.
  const madeUp = backs.filter(({ first, connectedMs }) => first !== undefined && first.dueMs <= connectedMs);
  trial.check(madeUp.length > 0, `after none of the ${downs.length} kills a missed tick was made up`);
  trial.note(
    `${ticks.length} ticks; after ${downs.length} kills ${madeUp.length} were made up, ${missing.length} left out`,
  );
}

function times(moments: readonly number[]): string {
  return moments.map((ms) => new Date(ms).toISOString()).join(', ');
}
