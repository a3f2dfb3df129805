import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../app/local/servers/wait-until';
import { acceptsAgain, bareRefusals, wrongAnswers } from './answers';
import { atFullSpeed } from './full-speed';
import type { Speeds } from './full-speed';
import { injectUnderLoad } from './inject';
import type { Facts, RecoverySince } from './row';
import { settle } from './settle';
import { longestIdleMs } from './system/idleness';
import type { Span } from './system/idleness';
import { answersByStatus } from './system/journal';
import type { Load, ProbeRequest } from './system/load';
import type { System } from './system/system';
import { brokenPromises, countEnds } from './system/verdict';
import type { Ending } from './system/verdict';

/** G5 of docs/architecture.md: full speed again within this after the last fault healed. */
export const RECOVERY_SECONDS = 15;
/** G6: a healthy worker beside a backlog does not stand idle longer. */
export const STANDSTILL_SECONDS = 5;
/** The load outlives the recovery by this, so that a worker which stands still after it is seen. */
export const CALM_SECONDS = STANDSTILL_SECONDS + 1;
const DRAIN_SECONDS = 120;
/** What two workers do on a slow machine. */
const SLOWEST_PER_SECOND = 100;
/** Accepted, and done, while a fault lasts during which work goes on. */
const LEAST_WORK = 500;
/** Of what the workers would have done at their speed before, had none of them been hit. */
const LEAST_SHARE = 0.25;

export interface Disturbance {
  /** Brings the fault over a system that is busy. */
  begin(load: Load): Promise<unknown>;
  /** Resolves when the fault has lasted long enough; whatever must hold meanwhile is checked here. */
  last?(fromMs: number): Promise<unknown>;
  heal?(): Promise<unknown>;
  /** What goes on while the fault lasts: at least 500 tasks accepted, and done, and of these a quarter of what was possible. */
  readonly goesOn?: readonly ('accepting' | 'working')[];
  /** What a process that is well may answer besides 202 until everybody has recovered. @default nothing else */
  readonly answers?: readonly ('500' | '503')[];
  /** Most seconds until every worker is at full speed and every web process accepts. @default 15 */
  readonly recoverySeconds?: number;
  /** From where these are counted: the first moment of the fault, or the last of its healing. @default 'healing' */
  readonly recoveryFrom?: RecoverySince;
  /** Whether the ledger cannot be asked while the fault lasts. @default false */
  readonly ledgerGone?: boolean;
  /** Whether nobody can work until it is healed. @default false */
  readonly standstill?: boolean;
  /** Most seconds for which a worker stands idle until everybody has recovered: a silent loss is noticed late. @default 5 */
  readonly mostIdleSeconds?: number;
}

/** One run of a row: what happened, what was counted and what was found broken. */
export class Trial {
  readonly broken: string[] = [];
  readonly notes: string[] = [];
  private readonly endings = new Map<string, Ending>();
  private readonly forgotten = new Set<string>();
  private recovery: { readonly seconds: number; readonly since: RecoverySince } | undefined;
  private standstill: number | undefined;
  private standstillLimit = STANDSTILL_SECONDS;
  private speeds: Speeds | undefined;
  /** Tasks are under way, so nobody can say that they are lost. */
  private underWay = false;

  constructor(
    readonly system: System,
    /** From 0 to below 1; the same for the same seed. */
    readonly random: () => number,
  ) {}

  note(text: string): void {
    this.notes.push(text);
    this.system.log.note(text);
  }

  /** Notes a broken promise unless `holds`. */
  check(holds: boolean, otherwise: string): void {
    if (!holds) this.broken.push(otherwise);
  }

  /** These tasks do not end done but like this, with a reason. */
  expectEnding(taskIds: readonly string[], ending: Ending): void {
    for (const id of taskIds) this.endings.set(id, ending);
  }

  /** These went with a disaster that nobody can undo. */
  forget(taskIds: readonly string[]): void {
    for (const id of taskIds) this.forgotten.add(id);
  }

  /** Of several recoveries the longest is reported. */
  recoveredAfter(seconds: number, mostSeconds: number, since: RecoverySince = 'fault'): void {
    if (seconds > (this.recovery?.seconds ?? -1)) this.recovery = { seconds, since };
    this.check(
      seconds <= mostSeconds,
      `recovered ${seconds.toFixed(1)} s after the ${since}, allowed are ${mostSeconds}`,
    );
  }

  /** Probes beside the load, and their ids. @throws when they were not accepted */
  async post(load: Load, probes: ProbeRequest): Promise<readonly string[]> {
    const { status, taskIds } = await load.post(probes);
    if (status !== 202)
      throw new Error(`POST /api/probes ${JSON.stringify(probes)} was answered ${status ?? 'nothing'}`);
    return taskIds;
  }

  /** One request that is repeated under its key until it is answered 202, as a careful caller does. */
  async postUntilAnswered(load: Load, probes: ProbeRequest, key: string): Promise<readonly string[]> {
    return waitUntil(
      `POST /api/probes under the key ${key} is answered 202`,
      async () => {
        const { status, taskIds } = await load.post(probes, { 'idempotency-key': key });
        return status === 202 && taskIds;
      },
      { limitSeconds: 30, everyMilliseconds: 50 },
    );
  }

  /** A whole row: load, the fault under at least 1,000 unfinished tasks, its healing, recovery, drain and verdict. */
  async disturb(disturbance: Disturbance): Promise<void> {
    const { system } = this;
    const injected = await injectUnderLoad(system, (load) => disturbance.begin(load), disturbance);
    const { load, beganMs, atMs: fromMs, backlog } = injected;
    this.note(`${backlog} tasks acknowledged and unfinished at the fault`);
    this.compareWith(injected.speeds);
    await disturbance.last?.(fromMs);
    const toMs = Date.now();
    await disturbance.heal?.();
    const healedMs = Date.now();
    const { recoverySeconds = RECOVERY_SECONDS, recoveryFrom = 'healing' } = disturbance;
    const countedFromMs = recoveryFrom === 'fault' ? beganMs : healedMs;
    await this.everybodyWorks(healedMs, recoverySeconds, { fromMs: countedFromMs, since: recoveryFrom });
    const recoveredMs = Date.now();
    await sleep(CALM_SECONDS * 1_000);
    await load.stop();
    const endMs = Date.now();
    await this.drain();
    this.checkAnswers('before everybody had recovered', [beganMs, recoveredMs], disturbance.answers);
    this.checkAnswers('after everybody had recovered', [recoveredMs, endMs]);
    await this.checkWork([fromMs, toMs], backlog, disturbance);
    const { standstill = false, mostIdleSeconds } = disturbance;
    await this.nobodyStoodIdle(standstill ? healedMs : beganMs, mostIdleSeconds);
    if (mostIdleSeconds !== undefined) await this.nobodyStoodIdle(recoveredMs);
  }

  /**
   * Waits until every living worker is at full speed and every web process accepts.
   * @param sinceMs what was before does not count
   * @param counted where the seconds begin
   */
  async everybodyWorks(
    sinceMs: number,
    mostSeconds: number,
    counted: { readonly fromMs: number; readonly since: RecoverySince } = { fromMs: sinceMs, since: 'healing' },
  ): Promise<void> {
    const limitSeconds = 4 * mostSeconds;
    const [acceptsMs, worksMs] = await Promise.all([
      acceptsAgain(this.system, sinceMs, limitSeconds),
      atFullSpeed(this.system, sinceMs, limitSeconds, this.speeds),
    ]);
    const seconds = (ms: number): string => ((ms - counted.fromMs) / 1_000).toFixed(1);
    this.note(`web accepted after ${seconds(acceptsMs)} s, every worker was at full speed after ${seconds(worksMs)} s`);
    this.recoveredAfter((Math.max(acceptsMs, worksMs) - counted.fromMs) / 1_000, mostSeconds, counted.since);
  }

  /** What the workers did before the fault, beside a backlog: full speed is about that. */
  compareWith(speeds: Speeds): void {
    this.speeds = speeds;
    const each = [...speeds].map(([name, speed]) => `${name} did ${speed.toFixed(0)}`);
    this.note(`${each.join(', ')} tasks a second before the fault`);
  }

  /** Waits until nothing is unfinished but what is parked. @param tasks that wait in a backlog beyond the usual one */
  async drain(tasks = 0): Promise<void> {
    await waitUntil('the backlog has drained', async () => (await this.system.ledger.unfinished()) === 0, {
      limitSeconds: DRAIN_SECONDS + Math.ceil(tasks / SLOWEST_PER_SECOND),
      everyMilliseconds: 250,
    });
  }

  /** After a run that broke off: waits until what it left behind can be counted, and says what it is that stays. */
  async settle(): Promise<void> {
    const { rest, unfinished } = await settle(this.system);
    if (rest === 'stuck') this.broken.push(`tasks stay unfinished although a worker is well and idle: ${unfinished}`);
    this.underWay = rest === 'under way';
    if (this.underWay)
      this.broken.push(`the run broke off and left ${unfinished} tasks under way: what is lost was not counted`);
  }

  /** For `seconds` from `fromMs` on. @param every called about four times a second */
  async lasts(seconds: number, fromMs: number, every: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    while (Date.now() < fromMs + seconds * 1_000) {
      await every();
      await sleep(250);
    }
  }

  /** Looks at everything that must not be, when nothing is unfinished any more or the run has been settled. */
  async facts(): Promise<Facts> {
    const { ledger, journal } = this.system;
    const bare = bareRefusals(journal);
    this.check(bare.length === 0, `${bare.length} answers 503 had no Retry-After`);
    const told = journal.taskIds().filter((id) => !this.forgotten.has(id));
    const { lost, repeated, sentences } = await brokenPromises(ledger, told, this.endings, {
      calls: this.system.receiver.calls,
      underWay: this.underWay,
    });
    this.broken.push(...sentences);
    return {
      accepted: told.length,
      ...(await countEnds(ledger)),
      repeated,
      ...(lost !== undefined && { lost }),
      ...(this.recovery !== undefined && {
        recoverySeconds: this.recovery.seconds,
        recoverySince: this.recovery.since,
      }),
      ...(this.standstill !== undefined && {
        standstillSeconds: this.standstill,
        standstillLimitSeconds: this.standstillLimit,
      }),
    };
  }

  /** Checks, once nothing is unfinished, that no worker stood idle beside a backlog while it was well. @param fromMs until now */
  nobodyStoodIdle(fromMs: number, mostSeconds = STANDSTILL_SECONDS): Promise<void> {
    const window = { fromMs, toMs: Date.now() };
    return this.nobodyStoodIdleWithin(() => [window], mostSeconds);
  }

  /** The same of several times. @param windows of a worker, by its name */
  async nobodyStoodIdleWithin(
    windows: (worker: string) => readonly Span[],
    mostSeconds = STANDSTILL_SECONDS,
  ): Promise<void> {
    this.standstillLimit = Math.max(this.standstillLimit, mostSeconds);
    const { ledger, journal, workers } = this.system;
    const [registrations, runs] = await Promise.all([ledger.registrations(), ledger.runs(journal.acknowledgedAtMs())]);
    for (const { name, life } of workers) {
      const idle = windows(name).map((window) => longestIdleMs(life.spans, { registrations, runs, window }));
      const seconds = Math.max(0, ...idle) / 1_000;
      this.standstill = Math.max(this.standstill ?? 0, seconds);
      this.check(seconds <= mostSeconds, `${name} stood idle for ${seconds.toFixed(1)} s beside a backlog`);
    }
  }

  /** Checks that whoever had to answer requests that were sent then answered 202, or one of the others named. */
  checkAnswers(when: string, between: readonly [number, number], others: readonly string[] = []): void {
    const sent = this.system.journal.sentBetween(...between);
    const wrong = answersByStatus(wrongAnswers(this.system, sent, new Set(['202', ...others])));
    const found = Object.entries(wrong).map(([status, n]) => `${status} (${n})`);
    this.check(found.length === 0, `callers were answered ${found.join(', ')} ${when}`);
    const counts = answersByStatus(sent);
    if (Object.keys(counts).some((status) => status !== '202')) this.note(`answers ${when}: ${JSON.stringify(counts)}`);
  }

  private async checkWork(
    [fromMs, toMs]: readonly [number, number],
    backlog: number,
    { goesOn = [] }: Disturbance,
  ): Promise<void> {
    const seconds = ((toMs - fromMs) / 1_000).toFixed(1);
    const accepted = this.system.journal.acknowledgedBetween(fromMs, toMs);
    const done = await this.system.ledger.doneBetween(fromMs, toMs);
    this.note(`within the fault's ${seconds} s ${accepted} accepted, ${done} done`);
    if (goesOn.includes('accepting'))
      this.check(accepted >= LEAST_WORK, `only ${accepted} were accepted during the fault`);
    if (!goesOn.includes('working')) return;
    const speed = [...(this.speeds?.values() ?? [])].reduce((sum, each) => sum + each, 0);
    const possible = Math.min(speed * ((toMs - fromMs) / 1_000), backlog + accepted);
    const least = Math.max(LEAST_WORK, Math.round(LEAST_SHARE * possible));
    this.check(done >= least, `only ${done} were done during the fault, at least ${least} could be`);
  }
}
