import type { AppProcess } from './app-process';

export interface Platform {
  /** Resolves at the first death. */
  death(): Promise<unknown>;
  deaths(): number;
  /** Of each death, such as "signal SIGKILL". */
  endings(): readonly string[];
  /** Lets what ends from now on lie. */
  stop(): Promise<void>;
}

/** What a platform does: whatever process ends is started again. */
export function startAgain(processes: readonly AppProcess[]): Platform {
  const over = new AbortController();
  const { signal } = over;
  const endings: string[] = [];
  const first = Promise.race(processes.map((process) => process.ended()));
  const kept = processes.map(async (process) => {
    for (;;) {
      const ending = await endingBefore(process, signal);
      if (ending === undefined) return;
      endings.push(ending);
      await process.start();
    }
  });
  return {
    death: () => first,
    deaths: () => endings.length,
    endings: () => endings,
    stop: async () => {
      over.abort();
      await Promise.all(kept);
    },
  };
}

/** How the process ended; undefined when it was over before. */
async function endingBefore(process: AppProcess, signal: AbortSignal): Promise<string | undefined> {
  const over = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return Promise.race([process.ended(), over]);
}
