import type { LimitedClaimer } from '../limiting/limited-claimer';
import type { Lease } from '../leases/lease';
import type { Counters } from '../metrics';
import { monotonicMs, pause } from '../pause';
import type { Runner } from '../running/runner';
import type { TaskLogger } from '../types';
import type { ClaimedTask, Claimer } from './claimer';

export interface SuspectTakerOptions {
  readonly claimer: Pick<Claimer, 'suspect'>;
  readonly limits: Pick<LimitedClaimer, 'claimSuspect'>;
  /** Limited queues of which a suspect waits. */
  limited(): readonly string[];
  readonly lease: Lease;
  readonly runner: Runner;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  /** Queues claimed tasks again that did not begin. @throws when PostgreSQL does not take it; the lease finds them. */
  giveBack(tasks: readonly ClaimedTask[]): Promise<void>;
}

/** How often the ledger is asked while no suspect waits. */
const IDLE_MS = 1_000;
const LEASE_PAUSE_MS = 250;
/** As of every claim: below the time after which what never arrived is given back. */
const CLAIM_LIMIT_MS = 3_000;

/**
 * Takes tasks under which workers were lost, one at a time into a slot of their own, while the other slots go on. As
 * suspects are out of their lanes, nobody else takes them.
 */
export class SuspectTaker {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private paused = false;
  private abandoned = false;
  private taking = false;

  constructor(private readonly options: SuspectTakerOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.options.runner.notify();
    await this.running;
  }

  /** What a claim still under way brings is given back from here on. */
  abandon(): void {
    this.abandoned = true;
  }

  /** Begins no more takes until `resume`. Resolves when none is under way. */
  async pause(): Promise<void> {
    this.paused = true;
    while (this.endsTaking()) await this.options.runner.changed();
  }

  resume(): void {
    this.paused = false;
    this.options.runner.notify();
  }

  private endsTaking(): boolean {
    return this.paused && this.taking;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { runner, lease } = this.options;
    while (!signal.aborted) {
      if (this.paused || !runner.aloneFree) await runner.changed();
      else if (!lease.valid) await pause(LEASE_PAUSE_MS, signal);
      else if (!(await this.take())) await pause(IDLE_MS, signal);
    }
  }

  /** Of queues that have limits, as far as these allow. */
  private async ofLimited(workerId: string): Promise<ClaimedTask | undefined> {
    const { options } = this;
    for (const queue of options.limited()) {
      const beganMs = monotonicMs();
      const [task] = (await options.limits.claimSuspect(workerId, queue)) ?? [];
      if (task === undefined) continue;
      if (monotonicMs() - beganMs < CLAIM_LIMIT_MS) return task;
      await options.giveBack([task]);
    }
    return undefined;
  }

  /** @returns whether there was a suspect. */
  private async take(): Promise<boolean> {
    const { claimer, lease, runner, counters, logger } = this.options;
    this.taking = true;
    try {
      const workerId = lease.id;
      const task = (await claimer.suspect(workerId)) ?? (await this.ofLimited(workerId));
      if (task === undefined) return false;
      counters.claimedFromPostgres += 1;
      logger.info({ task: task.uuid, name: task.name, attempt: task.attempt }, 'a suspect runs alone');
      if (!this.abandoned && lease.valid && lease.id === workerId) runner.start(task);
      else await this.options.giveBack([task]);
      return true;
    } catch (error) {
      logger.debug({ err: error }, 'claiming a suspect failed; trying again');
      return false;
    } finally {
      this.taking = false;
      runner.notify();
    }
  }
}
