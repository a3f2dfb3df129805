import type { Load } from '../system/load';
import type { Pruned } from '../system/pruned';
import type { Trial } from '../trial';

export const CALLERS = 50;
/** Of one caller: together they ask some 100 times a second. Those of one key wait for each other, and others need connections too. */
export const BETWEEN_CALLS_MS = 500;
/** Tells the tasks of keys from all others; callers come before, while and after they run. */
export const HELD_MS = 301;
export const PROBE = { count: 1, runMs: HELD_MS, priority: 'high' } as const;
export const PRUNED_SECONDS = 30;

export interface Key {
  readonly load: Load;
  /** The tasks that have been pruned, of all keys. */
  readonly pruned: () => Promise<Pruned[]>;
  readonly key: string;
}

export function allOf(ids: ReadonlySet<string>, pruned: readonly Pruned[]): boolean {
  const gone = new Set(pruned.map(({ uuid }) => uuid));
  return [...ids].every((id) => gone.has(id));
}

export function checkOnce(trial: Trial, key: string, ends: readonly Pruned[]): void {
  const wrong = ends.filter(({ state, effects }) => state !== 'done' || effects !== 1);
  trial.check(wrong.length === 0, `${wrong.length} tasks of ${key} are not done with exactly one effect`);
}
