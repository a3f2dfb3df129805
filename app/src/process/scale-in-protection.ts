import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Worker } from '../tasks';
import type { EcsAgentClient, TaskMetadata } from './ecs-agent.client';
import { placeInService } from './ecs-service.client';
import type { DescribesServices, ServicePlace } from './ecs-service.client';

export interface ScaleInProtectionOptions {
  readonly worker: Pick<Worker, 'running' | 'pause' | 'resume'>;
  readonly agent: EcsAgentClient;
  readonly ecs: DescribesServices;
  readonly logger: Logger;
  /** Minutes that a protection lasts unless it is renewed; a whole number from 1 to 2,880. @default 15 */
  readonly expiresInMinutes?: number;
  /** Seconds after which it is renewed: time enough to try again before it expires. @default 300 */
  readonly renewSeconds?: number;
  /** Seconds without a task after which the protection is ended. @default 5 */
  readonly idleSeconds?: number;
  /** Seconds that a protection is held at least: with 20, at most 6 calls a minute, however tasks come. @default 20 */
  readonly heldSeconds?: number;
  /** Seconds between two looks at the service, give or take a tenth. @default 30 */
  readonly lookSeconds?: number;
  /** Seconds that a superseded worker may stay protected for the tasks that it still has in hand. @default 1800 */
  readonly supersededSeconds?: number;
  /** Seconds between two looks at the worker. @default 0.25 */
  readonly everySeconds?: number;
}

const DEFAULTS = {
  expiresInMinutes: 15,
  renewSeconds: 300,
  idleSeconds: 5,
  heldSeconds: 20,
  lookSeconds: 30,
  supersededSeconds: 1800,
  everySeconds: 0.25,
};
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Asks Amazon ECS not to choose this worker when services scale in or roll, while it has tasks in hand. A protected task
 * gets no SIGTERM, so it also finds out by itself when it is to go:
 * - superseded (another version is the primary deployment and complete): the worker takes no more tasks, finishes what it
 *   has, gives up its protection and waits for SIGTERM; when that version is withdrawn, it takes tasks again;
 * - one too many of the current version: only the protection goes, because whichever task is chosen drains anyway.
 *
 * Nothing here stops work: while the agent or Amazon ECS does not answer, the worker goes on without, and the drain at
 * SIGTERM finishes its tasks or gives them back.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
 */
export class ScaleInProtection {
  private readonly options: Required<ScaleInProtectionOptions>;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  /** What Amazon ECS has on this task; unknown after a call that failed. */
  private state: 'on' | 'off' | 'unknown' = 'off';
  /** Of the last call that asked for protection. */
  private askedAtMs = -Infinity;
  private heldSinceMs = -Infinity;
  private idleSinceMs: number | undefined;
  private failures = 0;
  private retryAtMs = -Infinity;
  private lookAtMs = -Infinity;
  private lookFailed = false;
  private metadata: TaskMetadata | undefined;
  private supersededAtMs: number | undefined;
  private pausing = false;
  private tooMany = false;

  /** Starts at once, and ends with `stop`. */
  constructor(options: ScaleInProtectionOptions) {
    this.options = { ...DEFAULTS, ...options };
    this.running = this.run();
  }

  /** For SIGTERM: makes no more calls, and gives up one that is under way. The protection that is left expires, or ends with the task. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const busy = this.pausing || this.options.worker.running > 0;
      if (busy) this.idleSinceMs = undefined;
      else this.idleSinceMs ??= performance.now();
      if (busy || this.state !== 'off' || this.supersededAtMs !== undefined) await this.look();
      if (!this.stopping.signal.aborted) await this.settle(this.wanted(busy));
      await sleep(this.options.everySeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  private wanted(busy: boolean): boolean {
    const nowMs = performance.now();
    const { supersededSeconds, idleSeconds, heldSeconds } = this.options;
    if (this.supersededAtMs !== undefined) return busy && nowMs - this.supersededAtMs < supersededSeconds * 1000;
    if (this.tooMany) return false;
    if (busy) return true;
    const idleMs = nowMs - (this.idleSinceMs ?? nowMs);
    // A short pause between two tasks is no reason to give up the protection.
    return this.state === 'on' && (idleMs < idleSeconds * 1000 || nowMs - this.heldSinceMs < heldSeconds * 1000);
  }

  /** Makes the call that leads to what is wanted, unless that holds already or the last call failed just now. */
  private async settle(wanted: boolean): Promise<void> {
    const nowMs = performance.now();
    const { expiresInMinutes, renewSeconds } = this.options;
    // Whatever became of the last call, it does not protect any more.
    if (this.state === 'unknown' && !wanted && nowMs - this.askedAtMs > expiresInMinutes * 60_000) this.state = 'off';
    const fresh = nowMs - this.askedAtMs < renewSeconds * 1000;
    if (wanted ? this.state === 'on' && fresh : this.state === 'off') return;
    if (nowMs < this.retryAtMs) return;
    if (wanted) this.askedAtMs = nowMs;
    try {
      const protection = wanted ? { enabled: true, expiresInMinutes } : { enabled: false };
      await this.options.agent.protect(protection, this.stopping.signal);
      if (wanted && this.state !== 'on') this.heldSinceMs = nowMs;
      this.succeeded(wanted);
    } catch (error) {
      if (!this.stopping.signal.aborted) this.failed(error);
    }
  }

  private succeeded(enabled: boolean): void {
    const { logger } = this.options;
    if (this.failures > 0) logger.info({ failures: this.failures }, 'scale-in protection works again');
    else if ((this.state === 'on') !== enabled) logger.debug({ enabled }, 'scale-in protection set');
    this.failures = 0;
    this.state = enabled ? 'on' : 'off';
  }

  private failed(error: unknown): void {
    if (this.failures === 0) {
      this.options.logger.warn(
        { err: error },
        'scale-in protection could not be set; tasks go on without it, and drain when this worker is stopped',
      );
    }
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    // Spread, so that the workers of a service that was throttled do not come back together.
    this.retryAtMs = performance.now() + delayMs * (0.5 + Math.random() / 2);
    this.failures += 1;
    this.state = 'unknown';
  }

  private async look(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.lookAtMs) return;
    const { agent, ecs, lookSeconds, logger } = this.options;
    this.lookAtMs = nowMs + lookSeconds * 1000 * (0.9 + Math.random() * 0.2);
    try {
      this.metadata ??= await agent.metadata(this.stopping.signal);
      if (this.metadata === undefined) return;
      const place = await placeInService(ecs, this.metadata, this.stopping.signal);
      this.lookFailed = false;
      if (place !== undefined && !this.stopping.signal.aborted) this.obey(place);
    } catch (error) {
      if (!this.lookFailed && !this.stopping.signal.aborted) {
        logger.warn({ err: error }, 'the service could not be looked at; this worker may notice late that it is to go');
      }
      this.lookFailed = true;
    }
  }

  private obey(place: ServicePlace): void {
    const { logger, worker } = this.options;
    this.tooMany = place.tooMany;
    if (place.superseded && this.supersededAtMs === undefined) {
      this.supersededAtMs = performance.now();
      logger.info({ running: worker.running }, 'another version has taken over: this worker takes no more tasks');
      this.pausing = true;
      void worker.pause().finally(() => (this.pausing = false));
    } else if (!place.superseded && this.supersededAtMs !== undefined) {
      this.supersededAtMs = undefined;
      logger.info(
        { current: place.current },
        'the other version is not complete any more: this worker takes tasks again',
      );
      worker.resume();
    }
  }
}
