import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../app/local/servers/wait-until';
import { injectUnderLoad } from './inject';
import type { Facts } from './row';
import { settle } from './settle';
import { answersByStatus } from './system/journal';
import type { Load, ProbeRequest } from './system/load';
import type { System } from './system/system';
import { brokenPromises, countEnds } from './system/verdict';
import type { Ending } from './system/verdict';

/** G5 of docs/architecture.md: full speed again within this after the last fault healed. */
export const RECOVERY_SECONDS = 15;
/** G6: a healthy worker beside a backlog does not stand idle longer. */
const STANDSTILL_SECONDS = 5;
const DRAIN_SECONDS = 120;
/** What two workers do on a slow machine. */
const SLOWEST_PER_SECOND = 100;
/** Accepted, and done, while a fault lasts during which work goes on. */
const LEAST_WORK = 500;

export interface Disturbance {
  /** Brings the fault over a system that is busy. */
  begin(load: Load): Promise<unknown>;
  /** Resolves when the fault has lasted long enough; whatever must hold meanwhile is checked here. */
  last?(fromMs: number): Promise<unknown>;
  heal?(): Promise<unknown>;
  /** What goes on while the fault lasts: at least 500 tasks accepted, and done. */
  readonly goesOn?: readonly ('accepting' | 'working')[];
  /** What callers may be answered besides 202; `none` is a broken connection. @default nothing else */
  readonly answers?: readonly ('500' | '503' | 'none')[];
  /** Most seconds from the healing until every worker has done something. @default 15 */
  readonly recoverySeconds?: number;
  /** Whether the ledger cannot be asked while the fault lasts. @default false */
  readonly ledgerGone?: boolean;
  /** Whether a pause of all workers is part of the fault. @default false */
  readonly standstill?: boolean;
}

/** One run of a row: what happened, what was counted and what was found broken. */
export class Trial {
  readonly broken: string[] = [];
  readonly notes: string[] = [];
  private readonly endings = new Map<string, Ending>();
  private readonly forgotten = new Set<string>();
  private recovery: number | undefined;
  private standstill: number | undefined;
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

  /** @param seconds from the fault or its healing, as the row's text says */
  recoveredAfter(seconds: number, mostSeconds: number): void {
    this.recovery = seconds;
    this.check(seconds <= mostSeconds, `recovered after ${seconds.toFixed(1)} s, allowed are ${mostSeconds}`);
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
    const {
      load,
      atMs: fromMs,
      backlog,
    } = await injectUnderLoad(
      system,
      async (loading) => {
        await disturbance.begin(loading);
      },
      disturbance,
    );
    this.note(`${backlog} tasks acknowledged and unfinished at the fault`);
    await disturbance.last?.(fromMs);
    const toMs = Date.now();
    await disturbance.heal?.();
    const healedMs = Date.now();
    if (disturbance.heal !== undefined || disturbance.last !== undefined) {
      await this.everybodyWorks(healedMs, disturbance.recoverySeconds ?? RECOVERY_SECONDS);
    }
    // The load outlives the healing.
    await sleep(2_000);
    await load.stop();
    const endMs = Date.now();
    await this.drain();
    this.checkAnswers(fromMs, endMs, disturbance);
    await this.checkWork(fromMs, toMs, disturbance);
    if (disturbance.standstill !== true) await this.checkStandstill(fromMs, endMs);
  }

  /** Waits until every living worker has done a task since then. */
  async everybodyWorks(sinceMs: number, mostSeconds: number): Promise<void> {
    const { system } = this;
    const living = system.workers.filter(({ alive }) => alive);
    await waitUntil(
      'every worker does tasks again',
      async () => {
        const done = new Set(await system.ledger.workersThatDid(sinceMs).catch(() => []));
        const registrations = await Promise.all(
          living.map((worker) => system.registrationOf(worker).catch(() => undefined)),
        );
        return registrations.every((id) => id !== undefined && done.has(id));
      },
      { limitSeconds: 4 * mostSeconds, everyMilliseconds: 100 },
    );
    this.recoveredAfter((Date.now() - sinceMs) / 1_000, mostSeconds);
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
    const told = journal.taskIds().filter((id) => !this.forgotten.has(id));
    const { lost, repeated, sentences } = await brokenPromises(ledger, told, this.endings, {
      underWay: this.underWay,
    });
    this.broken.push(...sentences);
    return {
      accepted: told.length,
      ...(await countEnds(ledger)),
      repeated,
      ...(lost !== undefined && { lost }),
      ...(this.recovery !== undefined && { recoverySeconds: this.recovery }),
      ...(this.standstill !== undefined && { standstillSeconds: this.standstill }),
    };
  }

  private checkAnswers(fromMs: number, toMs: number, { answers = [] }: Disturbance): void {
    const allowed = new Set<string>(['202', ...answers]);
    const counts = answersByStatus(this.system.journal.sentBetween(fromMs, toMs));
    const wrong = Object.entries(counts).filter(([status]) => !allowed.has(status));
    this.check(
      wrong.length === 0,
      `callers were answered ${wrong.map(([status, n]) => `${status} (${n})`).join(', ')}`,
    );
    if (answers.length > 0) this.note(`answers ${JSON.stringify(counts)}`);
  }

  private async checkWork(fromMs: number, toMs: number, { goesOn = [] }: Disturbance): Promise<void> {
    const seconds = ((toMs - fromMs) / 1_000).toFixed(1);
    const accepted = this.system.journal.acknowledgedBetween(fromMs, toMs);
    const done = await this.system.ledger.doneBetween(fromMs, toMs);
    this.note(`within the fault's ${seconds} s ${accepted} accepted, ${done} done`);
    if (goesOn.includes('accepting'))
      this.check(accepted >= LEAST_WORK, `only ${accepted} were accepted during the fault`);
    if (goesOn.includes('working')) this.check(done >= LEAST_WORK, `only ${done} were done during the fault`);
  }

  private async checkStandstill(fromMs: number, toMs: number): Promise<void> {
    this.standstill = (await this.system.ledger.longestStandstillMs(fromMs, toMs)) / 1_000;
    this.check(
      this.standstill <= STANDSTILL_SECONDS,
      `nothing was done for ${this.standstill.toFixed(1)} s while there was work`,
    );
  }
}
