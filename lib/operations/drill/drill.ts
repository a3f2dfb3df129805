import { randomUUID } from 'node:crypto';
import type { AppApi } from '../app-api/app-api';
import { pause } from '../aws/services';
import type { OperationsContext } from '../context';
import { EXIT, missingError, OperationsError } from '../exit-codes';
import { counted, duration } from '../output/amounts';
import { isSilence, ProbeLoad, untilAnswered } from './probe-load';
import type { Tally } from './probe-load';

const QUEUE = 'probes';
const POLL_MS = 500;
/** For how long an app that does not answer is asked to accept probes before anything is broken. */
const ACCEPT_SECONDS = 120;
/** A tally of thousands takes its time, and is not to be most of what the database does. */
const REST = 2;
const MORE = 10;
const MOST_RUN_MS = 60_000;

/** What breaks, and how it is seen to be whole again. */
export interface Disaster {
  /** What is done, as it stands within a sentence: `empty the queue's Redis`. */
  readonly what: string;
  /** Does what takes long, so that `strike` follows at once. */
  prepare?(tell: (detail: string) => void): Promise<void>;
  /** What is left behind, as a sentence, when the drill ends between `prepare` and `strike`. */
  leaves?(): string | undefined;
  /** @returns what was broken, as a sentence, and when, by this machine's clock. */
  strike(): Promise<{ readonly broke: string; readonly at: number }>;
  /** Whether what was broken is whole again. */
  isWhole(): Promise<boolean>;
}

export interface DrillOptions {
  readonly name: string;
  readonly probes: number;
  /** For how long they keep the workers busy. */
  readonly busySeconds: number;
  /** Until then everything has to be done. */
  readonly limitSeconds: number;
}

export interface DrillReport {
  readonly drill: string;
  readonly stage: string;
  readonly passed: boolean;
  readonly broke: string;
  readonly before: Tally;
  readonly during: Tally;
  readonly after: Tally;
  /** Null: not within the limit. */
  readonly seconds: {
    readonly allDone: number | null;
    readonly whole: number | null;
    readonly longestPause: number;
    /** In which the app did not answer, or said that it cannot. */
    readonly appSilent: number;
  };
  readonly probes: { readonly first: number; readonly runMs: number; readonly slots: number };
}

/** Accepts probes, breaks something while they are done, accepts more, and counts until all of them are done. */
export async function runDrill(
  context: OperationsContext,
  disaster: Disaster,
  options: DrillOptions,
): Promise<DrillReport> {
  const app = await context.app();
  const slots = await slotsOf(app);
  const runMs = Math.min(MOST_RUN_MS, Math.max(1, Math.round((options.busySeconds * 1_000 * slots) / options.probes)));
  const { terminal, signal } = context;
  await terminal.confirm(
    `On stage ${context.stage}: ${disaster.what}, while ${counted(options.probes, 'probe')} of ${runMs} ms run?`,
  );
  const load = new ProbeLoad(app);
  const before = await unbroken(context, disaster, async () => {
    await terminal.during('Getting ready', (tell) => disaster.prepare?.(tell) ?? Promise.resolve());
    return terminal.during('Accepting probes', async () => {
      const key = randomUUID();
      await untilAnswered(() => load.accept(options.probes, runMs, key), { limitSeconds: ACCEPT_SECONDS, signal });
      return untilFirst(load, signal);
    });
  });
  terminal.say(`${counted(before.accepted, 'probe')} accepted, ${before.done} done. Now: ${disaster.what}.`);
  const struck = await terminal.during('Breaking it', () => disaster.strike(), {
    goesOn: `this may be done by now: ${disaster.what}; what was accepted is done all the same.`,
  });
  const watch = new Watch(load, disaster, struck.at, options.limitSeconds, signal);
  const goesOn = { goesOn: 'what was accepted is done all the same; npx holdfast queues shows it.' };
  const during = await terminal.during(
    'Accepting more probes',
    async () => {
      await watch.accept(Math.max(1, Math.round(options.probes / MORE)), runMs);
      return watch.tally();
    },
    goesOn,
  );
  const after = await terminal.during('Waiting for the probes', (tell) => watch.untilOver(tell), goesOn);
  const { allDone, whole } = watch;
  return {
    ...{ drill: options.name, stage: context.stage, broke: struck.broke, before, during, after },
    passed: allDone !== null && whole !== null && after.failed === 0 && after.missing === 0,
    seconds: {
      allDone,
      whole,
      longestPause: rounded(load.longestPauseSeconds(struck.at)),
      appSilent: rounded(watch.silentMs / 1_000),
    },
    probes: { first: options.probes, runMs, slots },
  };
}

/** Does what comes before the strike; whoever ends it there is told that nothing is broken, and what is left behind. */
async function unbroken<T>({ signal }: OperationsContext, disaster: Disaster, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const told = ['Nothing was broken.', disaster.leaves?.()].filter(Boolean).join(' ');
    if (signal.aborted) throw new OperationsError(EXIT.interrupted, `Interrupted. ${told}`, { cause: error });
    throw error instanceof OperationsError ? error.and(told) : error;
  }
}

/** Tasks that may run at once on the queue of the probes. @throws OperationsError when nobody takes them. */
async function slotsOf(app: AppApi): Promise<number> {
  const { workers, queues } = await app.queues();
  const slots = workers
    .filter(({ draining, queues: served }) => !draining && served.includes(QUEUE))
    .reduce((sum, { concurrency }) => sum + concurrency, 0);
  if (slots === 0) {
    throw missingError(`No living worker serves the queue ${QUEUE}: name it in the queues of a worker, see queues.`);
  }
  const paused = queues.find(({ name, pausedAt }) => name === QUEUE && pausedAt !== null);
  if (paused === undefined) return slots;
  throw missingError(`The queue ${QUEUE} is paused, so that no probe would be done: npx holdfast resume ${QUEUE}.`);
}

/** The drill shows nothing before tasks are on their way. */
async function untilFirst(load: ProbeLoad, signal: AbortSignal): Promise<Tally> {
  for (;;) {
    const tally = await load.tally();
    if (tally.done > 0) return tally;
    await pause(POLL_MS, signal);
  }
}

/** Counts from the moment at which something broke. */
class Watch {
  allDone: number | null = null;
  whole: number | null = null;
  silentMs = 0;

  constructor(
    private readonly load: ProbeLoad,
    private readonly disaster: Disaster,
    private readonly struckAt: number,
    private readonly limitSeconds: number,
    private readonly signal: AbortSignal,
  ) {}

  tally(): Promise<Tally> {
    return this.answered(() => this.load.tally());
  }

  accept(count: number, runMs: number): Promise<void> {
    const key = randomUUID();
    return this.answered(() => this.load.accept(count, runMs, key));
  }

  /** Waits while the app does not answer, and adds that up. @throws OperationsError when it is silent beyond the limit. */
  private async answered<T>(ask: () => Promise<T>): Promise<T> {
    const limitSeconds = this.limitSeconds - this.secondsSince();
    try {
      const { answer, silentMs } = await untilAnswered(ask, { limitSeconds, signal: this.signal });
      this.silentMs += silentMs;
      return answer;
    } catch (error) {
      throw isSilence(error) ? beyondLimit(error, this.limitSeconds) : error;
    }
  }

  /** Until all is done and whole, or the limit is over. */
  async untilOver(tell: (detail: string) => void): Promise<Tally> {
    for (;;) {
      const began = performance.now();
      const tally = await this.tally();
      if (this.whole === null && (await this.isWhole())) this.whole = this.secondsSince();
      if (this.allDone === null && tally.done === tally.accepted) this.allDone = this.secondsSince();
      const isOver = this.whole !== null && tally.open === 0;
      if (isOver || this.secondsSince() > this.limitSeconds) return tally;
      tell(`${tally.done} of ${tally.accepted} done`);
      await pause(Math.max(POLL_MS, REST * (performance.now() - began)), this.signal);
    }
  }

  private async isWhole(): Promise<boolean> {
    try {
      return await this.disaster.isWhole();
    } catch (error) {
      if (!isSilence(error)) throw error;
      return false;
    }
  }

  private secondsSince(): number {
    return rounded((Date.now() - this.struckAt) / 1_000);
  }
}

function beyondLimit(error: OperationsError, seconds: number): OperationsError {
  return new OperationsError(
    error.exitCode,
    `The app does not answer ${duration(seconds)} after the disaster, so there is no verdict: ${error.message}`,
    { cause: error },
  );
}

function rounded(seconds: number): number {
  return Math.max(0, Math.round(seconds * 10) / 10);
}
