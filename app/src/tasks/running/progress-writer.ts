import type { ClaimedTask } from '../claiming/claimer';
import type { Finisher } from '../finishing/finisher';
import type { TaskLogger } from '../types';

/** At most four writes a second and task; only the last value of each interval is written. */
const EVERY_MS = 250;
const MAX_BYTES = 4 * 1024;

/** Collects the progress of running tasks and writes it in one statement for all of them. */
export class ProgressWriter {
  private latest = new Map<ClaimedTask, string>();
  private underWay: ReadonlyMap<ClaimedTask, string> = new Map();
  /** One statement at a time, or an older value could be written over a newer one. */
  private writing = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly finisher: Finisher,
    private readonly logger: TaskLogger,
  ) {}

  /** @throws TypeError when the value is no JSON or too large: a mistake in the handler. */
  set(task: ClaimedTask, value: unknown): void {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new TypeError('progress: the value cannot be written as JSON');
    if (Buffer.byteLength(json) > MAX_BYTES) {
      throw new TypeError(
        `progress: the value has ${Buffer.byteLength(json)} bytes of JSON; at most ${MAX_BYTES} are allowed`,
      );
    }
    this.latest.set(task, json);
    this.timer ??= setTimeout(() => void this.flush(), EVERY_MS);
  }

  /** Resolves when all values set so far are written, so that a task's end does not overtake its last progress. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  /** True while a value of this task is not in the ledger yet. */
  has(task: ClaimedTask): boolean {
    return this.latest.has(task) || this.underWay.has(task);
  }

  private async write(): Promise<void> {
    if (this.latest.size === 0) return;
    this.underWay = this.latest;
    this.latest = new Map();
    const values = [...this.underWay].map(([task, json]) => ({ task, json }));
    await this.finisher.progress(values).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'progress not written');
    });
    this.underWay = new Map();
  }
}
