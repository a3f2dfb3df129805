import type { AppProcess } from './app-process';

export interface Platform {
  /** Resolves at the first death. */
  death(): Promise<unknown>;
  deaths(): number;
  /** Lets what ends from now on lie. */
  stop(): Promise<void>;
}

/** What a platform does: whatever process ends is started again. */
export function startAgain(processes: readonly AppProcess[]): Platform {
  const over = new AbortController();
  const { signal } = over;
  let deaths = 0;
  const first = Promise.race(processes.map((process) => process.ended()));
  const kept = processes.map(async (process) => {
    while (await diedBefore(process, signal)) {
      deaths += 1;
      await process.start();
    }
  });
  return {
    death: () => first,
    deaths: () => deaths,
    stop: async () => {
      over.abort();
      await Promise.all(kept);
    },
  };
}

/** Whether the process ended before it was over. */
async function diedBefore(process: AppProcess, signal: AbortSignal): Promise<boolean> {
  const over = new Promise<boolean>((resolve) => {
    if (signal.aborted) resolve(false);
    signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  return Promise.race([process.ended().then(() => true), over]);
}
