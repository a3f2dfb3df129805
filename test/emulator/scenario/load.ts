import { setTimeout as pause } from 'node:timers/promises';

export interface LoadReport {
  readonly answered: number;
  /** Of those, how often the app asked to ask again (503 with Retry-After: its database was too slow). */
  readonly askedAgain: number;
  /** What was not a 2xx, or no answer at all, with the milliseconds since the load began. */
  readonly failed: readonly string[];
}

const ASKERS = 2;
const PAUSE_MS = 100;
/** How often a careful caller asks again. */
const TRIES = 5;

/** Asks for the film list over and over until it is stopped. */
class Load {
  private readonly began = performance.now();
  private readonly failed: string[] = [];
  private answered = 0;
  private askedAgain = 0;
  private running = true;
  private readonly askers: readonly Promise<void>[];

  constructor(private readonly url: string) {
    this.askers = Array.from({ length: ASKERS }, () => this.ask());
  }

  async stop(): Promise<LoadReport> {
    this.running = false;
    await Promise.all(this.askers);
    return { answered: this.answered, askedAgain: this.askedAgain, failed: this.failed };
  }

  private async ask(): Promise<void> {
    while (this.running) {
      const trouble = await this.request().catch((error: unknown) =>
        String((error as { readonly cause?: unknown }).cause ?? error),
      );
      if (trouble === undefined) this.answered += 1;
      else this.failed.push(`${trouble} after ${Math.round(performance.now() - this.began)} ms`);
      await pause(PAUSE_MS);
    }
  }

  /** @returns what was wrong with the last answer. */
  private async request(): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(`${this.url}/api/films?query=up`, { signal: AbortSignal.timeout(30_000) });
      const text = await response.text();
      if (response.ok) return undefined;
      // Of the app's own: a load balancer without a healthy target does not say when to come back.
      const comeBack = response.headers.get('retry-after');
      if (response.status !== 503 || comeBack === null || tries === TRIES) return `${response.status} ${text}`;
      this.askedAgain += 1;
      await pause(Number(comeBack) * 1_000);
    }
  }
}

/** Asks during `act`, also when that throws. @returns how the requests went. */
export async function underLoad(url: string, act: () => Promise<void>): Promise<LoadReport> {
  const load = new Load(url);
  try {
    await act();
  } finally {
    await load.stop();
  }
  return await load.stop();
}
