import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import { monotonicMs, pause } from '../pause';
import type { InHand } from '../running/in-hand';
import type { TaskLogger } from '../types';

export interface LeaseOptions {
  readonly ledger: Ledger;
  readonly inHand: InHand;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  readonly queues: readonly string[];
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** Which kind of worker this is, as the deployment names it. */
  readonly workerKind: string;
  /** What the heartbeat tells about this worker. */
  describe(): { readonly running: number; readonly source: 'redis' | 'postgres'; readonly draining: boolean };
  /** The lease is gone: running attempts must stop, others may have their tasks. */
  onLost(): void;
  /** These tasks were claimed for us but never arrived, and are queued again. */
  onGivenBack(items: readonly { id: string; queue: string; priority: number }[]): void;
}

interface ReconciledRow {
  what: 'given-back' | 'disowned';
  id: string;
  fence: number;
  queue: string;
  priority: number;
}

/** Retries of a heartbeat that PostgreSQL did not take, in ms. */
const RETRY_MS = 500;
const CHECK_MS = 250;
/** With the 5 s after which a claim counts as lost: found within 7 s. */
const RECONCILE_MS = 2_000;

/**
 * This worker's right to run tasks. Valid from a heartbeat that PostgreSQL took until `leaseSeconds` after it was sent,
 * on the monotonic clock. An id that others have expired is never used again: the worker registers under a new one.
 */
export class Lease {
  private readonly sql = loadStatements(__dirname, 'lease.sql', LEASE_STATEMENTS);
  private readonly stopping = new AbortController();
  private currentId = randomUUID();
  private validUntilMs = 0;
  private lost = false;
  private beating: Promise<void> = Promise.resolve();
  private loops: Promise<unknown> | undefined;

  constructor(private readonly options: LeaseOptions) {}

  get id(): string {
    return this.currentId;
  }

  get valid(): boolean {
    return monotonicMs() < this.validUntilMs;
  }

  /** Registers the worker. @throws when PostgreSQL does not take it. */
  async begin(): Promise<void> {
    await this.register();
    this.loops = Promise.all([this.beatLoop(), this.reconcileLoop(), this.watchLoop()]);
  }

  /** Ends the lease: from here on others may take whatever still counts as ours. */
  async end(): Promise<void> {
    this.stopping.abort();
    await this.loops;
    this.validUntilMs = 0;
    await this.options.ledger.query(this.sql.leave, [this.currentId]).catch((error: unknown) => {
      this.options.logger.warn(
        { err: error, worker: this.currentId },
        'worker could not sign off; its lease will run out',
      );
    });
  }

  /** One heartbeat now, outside its rhythm; one after another, because two that find the id expired would register twice. */
  beat(): Promise<void> {
    this.beating = this.beating.catch(() => undefined).then(() => this.sendBeat());
    return this.beating;
  }

  private async sendBeat(): Promise<void> {
    const sentAtMs = monotonicMs();
    const { running, source, draining } = this.options.describe();
    const answer = await this.options.ledger.query(this.sql.beat, [this.currentId, running, source, draining]);
    if (answer.rowCount === 1) {
      this.extend(sentAtMs);
      return;
    }
    this.options.logger.warn(
      { worker: this.currentId },
      'others have expired this worker; it starts again under a new id',
    );
    this.validUntilMs = 0;
    this.lose();
    await this.register();
  }

  private async register(): Promise<void> {
    const { queues, kinds, concurrency, workerKind } = this.options;
    const id = randomUUID();
    const sentAtMs = monotonicMs();
    const values = [id, hostname(), process.pid, queues, kinds, concurrency, workerKind];
    await this.options.ledger.query(this.sql.register, values);
    this.currentId = id;
    this.extend(sentAtMs);
  }

  private extend(sentAtMs: number): void {
    this.validUntilMs = sentAtMs + this.options.leaseSeconds * 1000;
    this.lost = false;
  }

  private lose(): void {
    if (this.lost) return;
    this.lost = true;
    this.options.counters.leaseLost += 1;
    this.options.onLost();
  }

  private async beatLoop(): Promise<void> {
    const { signal } = this.stopping;
    let waitMs = this.options.heartbeatSeconds * 1000;
    while (!signal.aborted) {
      await pause(waitMs, signal);
      try {
        if (!this.stopping.signal.aborted) await this.beat();
        waitMs = this.options.heartbeatSeconds * 1000;
      } catch (error) {
        this.options.logger.debug({ err: error }, 'heartbeat not taken');
        waitMs = RETRY_MS;
      }
    }
  }

  /** Aborts what runs as soon as the lease has run out, however long a heartbeat hangs. */
  private async watchLoop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(CHECK_MS, signal);
      if (!this.valid && !this.stopping.signal.aborted) this.lose();
    }
  }

  private async reconcileLoop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(RECONCILE_MS, signal);
      await this.reconcile().catch((error: unknown) => {
        this.options.logger.debug({ err: error }, 'reconciling with the ledger failed');
      });
    }
  }

  private async reconcile(): Promise<void> {
    const { inHand, counters, logger } = this.options;
    const attempts = inHand.all();
    const answer = await this.options.ledger.query<ReconciledRow>(this.sql.reconcile, [
      this.currentId,
      idArray(attempts.map(({ task }) => task.id)),
      idArray(attempts.map(({ task }) => task.fence)),
      idArray(inHand.openClaims()),
    ]);
    // Deleted just now with all others that are neither open nor young.
    inHand.takeEndedClaims();
    const givenBack = answer.rows.filter((row) => row.what === 'given-back');
    if (givenBack.length > 0) {
      counters.givenBack += givenBack.length;
      logger.warn(
        { worker: this.currentId, tasks: givenBack.length },
        'claimed tasks that never arrived were given back',
      );
      this.options.onGivenBack(givenBack);
    }
    for (const row of answer.rows) {
      if (row.what === 'disowned') inHand.disown(row.id, row.fence);
    }
  }
}

export const LEASE_STATEMENTS = [
  'register',
  'beat',
  'reconcile',
  'leave',
  'beats',
  'expire',
  'orphans',
  'take_back',
  'unclaimed',
  'take_unclaimed',
  'forget_claims',
  'forget_workers',
] as const;
