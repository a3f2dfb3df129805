import type { AppApi } from '../app-api/app-api';
import type { Task } from '../app-api/answers';
import { pause } from '../aws/services';
import { EXIT, OperationsError } from '../exit-codes';

/** What the app gives in a page. */
const PAGE = 200;
const AGAIN_MS = 500;
const QUEUE = 'probes';
const NAME = 'probes.run';

/** How the probes of a drill stand. */
export interface Tally {
  readonly accepted: number;
  readonly done: number;
  /** Wait, run, or wait for their next attempt. */
  readonly open: number;
  /** Dead, cancelled or parked, which no probe of a drill is meant to be. */
  readonly failed: number;
  /** Accepted, and not in the list. */
  readonly missing: number;
  /** Attempts beyond one each. */
  readonly repeated: number;
}

/** Probes that a drill has accepted, and what became of them, by what the app's API tells. */
export class ProbeLoad {
  private readonly ids = new Set<string>();
  private tasks: readonly Task[] = [];
  /** Of the first that was accepted, by the database's clock; and how far that is ahead of this machine's. */
  private since = '';
  private clockAheadMs = 0;

  constructor(private readonly app: AppApi) {}

  /**
   * Accepts more; asked again under the same key, as a careful caller does, it accepts nothing twice.
   * @throws OperationsError when the app refuses, or does not answer.
   */
  async accept(count: number, runMs: number, key: string): Promise<void> {
    const before = Date.now();
    const ids = await this.app.acceptProbes({ count, runMs }, key);
    const after = Date.now();
    for (const id of ids) this.ids.add(id);
    if (this.since !== '') return;
    const { acceptedAt } = await this.app.task(ids[0] ?? '');
    this.since = acceptedAt;
    this.clockAheadMs = Date.parse(acceptedAt) - (before + after) / 2;
  }

  /** @throws OperationsError when the app does not answer. */
  async tally(): Promise<Tally> {
    const found: Task[] = [];
    let after: string | undefined;
    do {
      const page = await this.app.tasks({
        queue: QUEUE,
        name: NAME,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      found.push(...page.items.filter(({ id }) => this.ids.has(id)));
      const oldest = page.items.at(-1)?.acceptedAt ?? '';
      const isThrough = found.length === this.ids.size || Date.parse(oldest) < Date.parse(this.since);
      after = isThrough ? undefined : (page.next ?? undefined);
    } while (after !== undefined);
    this.tasks = found;
    const inState = (...states: readonly string[]): number =>
      found.filter(({ state }) => states.includes(state)).length;
    const [done, failed] = [inState('done'), inState('dead', 'cancelled', 'parked')];
    return {
      ...{ accepted: this.ids.size, done, failed, open: found.length - done - failed },
      missing: this.ids.size - found.length,
      repeated: found.reduce((sum, { attempt }) => sum + Math.max(0, attempt - 1), 0),
    };
  }

  /**
   * The longest time in which no probe was done, by the database's clock, of what the last tally has found.
   * @param sinceMs only what ended after this moment of this machine's clock counts.
   */
  longestPauseSeconds(sinceMs: number): number {
    const from = sinceMs + this.clockAheadMs;
    const ends = this.tasks
      .flatMap(({ state, finishedAt }) => (state === 'done' && finishedAt !== null ? Date.parse(finishedAt) : []))
      .sort((a, b) => a - b);
    const pauses = ends.map((at, index) => ({ at, ms: at - (ends[index - 1] ?? from) })).filter(({ at }) => at > from);
    return Math.max(0, ...pauses.map(({ ms }) => ms)) / 1_000;
  }
}

/**
 * Asks again while the app does not answer.
 * @param limitSeconds for how long.
 * @returns its answer, and for how long there was none.
 * @throws OperationsError when it refuses, or is silent beyond the limit.
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { limitSeconds, signal }: { readonly limitSeconds: number; readonly signal: AbortSignal },
): Promise<{ readonly answer: T; readonly silentMs: number }> {
  const began = performance.now();
  let isSilent = false;
  for (;;) {
    try {
      const answer = await ask();
      return { answer, silentMs: isSilent ? performance.now() - began : 0 };
    } catch (error) {
      if (!isSilence(error) || performance.now() - began > limitSeconds * 1_000) throw error;
      isSilent = true;
      await pause(AGAIN_MS, signal);
    }
  }
}

/** Whether the app gave no answer, or one that says that it cannot at the moment. */
export function isSilence(error: unknown): error is OperationsError {
  return error instanceof OperationsError && error.exitCode === EXIT.unavailable;
}
