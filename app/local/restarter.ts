import type { Log } from './servers/spawn-server';

export interface Restarter {
  /** To be called when the process has died, with how: "exit code 1". */
  died(ending: string): void;
  /** How often it has died without a minute of running in between. */
  deathsInARow(): number;
  /** No more restarts; resolves once a restart that is under way has ended. */
  cancel(): Promise<void>;
}

export interface RestarterOptions {
  readonly name: string;
  readonly say: Log;
  readonly start: () => Promise<void>;
  /** Milliseconds on a clock that never jumps. @default performance.now */
  readonly clock?: () => number;
}

const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 15;
/** One that ran this long has recovered; its next death is a first one. */
const RECOVERED_SECONDS = 60;

/** Seconds before the restart after the n-th death in a row, n from 1: 0.5, 1, 2, 4, 8, 15, 15, … */
export function pauseSeconds(deathsInARow: number): number {
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** (deathsInARow - 1), LONGEST_PAUSE_SECONDS);
}

/** Starts a process again after it died, with a pause that grows while it keeps dying, and says so. */
export function createRestarter({ name, say, start, clock = () => performance.now() }: RestarterOptions): Restarter {
  let deaths = 0;
  let startedAt = clock();
  let cancelled = false;
  let timer: NodeJS.Timeout | undefined;
  let restart: Promise<void> = Promise.resolve();

  const died = (ending: string) => {
    if (cancelled) return;
    deaths = clock() - startedAt > RECOVERED_SECONDS * 1000 ? 1 : deaths + 1;
    const pause = pauseSeconds(deaths);
    say(`${name} died (${ending}); it is started again in ${pause} s.`);
    timer = setTimeout(() => {
      startedAt = clock();
      restart = start().catch((error: unknown) => died(error instanceof Error ? error.message : String(error)));
    }, pause * 1000);
  };
  return {
    died,
    deathsInARow: () => deaths,
    cancel: async () => {
      cancelled = true;
      clearTimeout(timer);
      await restart;
    },
  };
}
