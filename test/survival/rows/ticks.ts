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

/** From a scheduler's first connection on. */
const FIRST_LOOK_MS = 1_000;

/** Whether the ticks are those of the policy `all`: none is missing, and those without a scheduler were made up when one was back. */
export function checkAllTicks(trial: Trial, { ticks, downs, everyMs }: Course): void {
  const gaps = ticks.filter(({ dueMs }, i) => i > 0 && dueMs !== ticks[i - 1]!.dueMs + everyMs);
  trial.check(gaps.length === 0, `ticks are missing before ${times(gaps.map(({ dueMs }) => dueMs))}`);
  stillTicks(trial, ticks, everyMs);
  const late = downs.map(({ killedMs, connectedMs }) =>
    ticks.filter(({ dueMs, acceptedMs }) => dueMs > killedMs && dueMs <= connectedMs && acceptedMs >= connectedMs),
  );
  const none = late.filter(({ length }) => length === 0).length;
  trial.check(none === 0, `after ${none} of ${downs.length} kills no missed tick was made up although all are to be`);
  if (downs.length > 0)
    trial.note(
      `of the ticks that are all made up ${late.map(({ length }) => length).join(', ')} were, after the kills`,
    );
}

/**
 * Whether the ticks are those of the policy `latest`: of those that were missed the last one is made up when a scheduler is
 * back, and none is missing while one is there.
 */
export function checkTicks(trial: Trial, { ticks, downs, everyMs }: Course): void {
  const backs = downs.map(({ killedMs, connectedMs }) => {
    const first = ticks.find(({ acceptedMs }) => acceptedMs > killedMs);
    return {
      fromMs: tickAt(killedMs, everyMs),
      toMs: tickAt(first?.acceptedMs ?? Infinity, everyMs),
      first,
      connectedMs,
    };
  });
  const due = new Set(ticks.map(({ dueMs }) => dueMs));
  const last = ticks.at(-1)?.dueMs ?? 0;
  const missing: number[] = [];
  for (let ms = ticks[0]?.dueMs ?? 0; ms < last; ms += everyMs) if (!due.has(ms)) missing.push(ms);
  const unexplained = missing.filter((ms) => !backs.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs));
  trial.check(unexplained.length === 0, `ticks are missing although a scheduler was there: ${times(unexplained)}`);
  stillTicks(trial, ticks, everyMs);

  const madeUp = backs.filter(({ first, connectedMs }) => first?.dueMs === tickAt(connectedMs, everyMs));
  // A tick may come between the connection and the first look, and then that is the latest.
  const overtaken = backs.filter(
    ({ first, connectedMs }) =>
      first?.dueMs === tickAt(connectedMs, everyMs) + everyMs && first.dueMs - connectedMs <= FIRST_LOOK_MS,
  );
  const never = downs.length - madeUp.length - overtaken.length;
  trial.check(
    never === 0 && madeUp.length > 0,
    `after ${never} of ${downs.length} kills the last missed tick was not made up`,
  );
  trial.note(
    `${ticks.length} ticks; after ${downs.length} kills ${madeUp.length} were made up, ${missing.length} left out`,
  );
}

function stillTicks(trial: Trial, ticks: readonly Tick[], everyMs: number): void {
  const last = ticks.at(-1)?.dueMs ?? 0;
  trial.check(last >= tickAt(Date.now(), everyMs) - everyMs, `nothing ticks any more since ${times([last])}`);
}

/** The last moment of a tick that is not after `ms`. */
function tickAt(ms: number, everyMs: number): number {
  return Math.floor(ms / everyMs) * everyMs;
}

function times(moments: readonly number[]): string {
  return moments.map((ms) => new Date(ms).toISOString()).join(', ');
}
