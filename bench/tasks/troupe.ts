import type { AcceptMode, Addresses, ContenderName } from './contender';
import { clockMs } from './contender';
import type { Span } from './messages';
import { PlayerClient } from './player.client';

/** A drain that completes nothing for this long has lost tasks. */
const STUCK_AFTER_MS = 30_000;

/** The processes of one measurement: one that accepts, and one or more that work, all of one contender. */
export class Troupe {
  /** Tasks accepted up to now. */
  accepted = 0;
  private readonly workers: PlayerClient[] = [];
  private acceptor: PlayerClient | undefined;
  private notice: () => void = () => undefined;

  private constructor(readonly contender: ContenderName) {}

  /** Starts the processes; none of them works before `startWorkers`. */
  static async assemble(
    contender: ContenderName,
    workers: number,
    addresses: Addresses,
    signal: AbortSignal,
  ): Promise<Troupe> {
    const troupe = new Troupe(contender);
    const onCompleted = () => troupe.notice();
    try {
      troupe.acceptor = await PlayerClient.start({ contender, kind: 'acceptor', addresses }, signal, onCompleted);
      for (let i = 0; i < workers; i += 1) {
        troupe.workers.push(await PlayerClient.start({ contender, kind: 'worker', addresses }, signal, onCompleted));
      }
      return troupe;
    } catch (error) {
      await troupe.kill();
      throw error;
    }
  }

  async accept(mode: AcceptMode, count: number): Promise<Span> {
    this.accepted += count;
    return this.acceptorOrThrow().ask({ do: 'accept', mode, count });
  }

  async acceptSteadily(count: number, perSecond: number): Promise<Span> {
    this.accepted += count;
    return this.acceptorOrThrow().ask({ do: 'accept-steadily', count, perSecond });
  }

  /** @returns when the first of them began to set itself up, in ms of `clockMs`. */
  async startWorkers(): Promise<number> {
    const spans = await Promise.all(this.workers.map((worker) => worker.ask({ do: 'start-worker' })));
    return Math.min(...spans.map((span) => span.beganMs));
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.ask({ do: 'stop-worker' })));
  }

  async takeLatencies(): Promise<number[]> {
    return (await Promise.all(this.workers.map((worker) => worker.ask({ do: 'take-latencies' })))).flat();
  }

  /**
   * Waits until everything accepted is completed.
   * @returns when the last one was, in ms of `clockMs`.
   * @throws Error when nothing is completed for a long time.
   */
  async untilAllDone(signal: AbortSignal): Promise<number> {
    let lastCompleted = -1;
    let lastMs = clockMs();
    while (this.completed < this.accepted) {
      signal.throwIfAborted();
      if (this.completed > lastCompleted) [lastCompleted, lastMs] = [this.completed, clockMs()];
      if (clockMs() - lastMs > STUCK_AFTER_MS) {
        const seconds = STUCK_AFTER_MS / 1000;
        throw new Error(
          `${this.contender}: ${this.completed} of ${this.accepted} tasks are done and none for ${seconds} s`,
        );
      }
      await this.nextNotice();
    }
    return Math.max(...this.workers.map((worker) => worker.completedAtMs));
  }

  async disband(): Promise<void> {
    await Promise.all(this.players().map((player) => player.close()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.players().map((player) => player.kill()));
  }

  private get completed(): number {
    return this.workers.reduce((sum, worker) => sum + worker.completed, 0);
  }

  private nextNotice(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 1_000);
      this.notice = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private players(): PlayerClient[] {
    return this.acceptor === undefined ? this.workers : [this.acceptor, ...this.workers];
  }

  private acceptorOrThrow(): PlayerClient {
    if (this.acceptor === undefined) throw new Error('the processes of this measurement were not started');
    return this.acceptor;
  }
}
