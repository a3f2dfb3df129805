import type { ClaimedTask } from '../claiming/claimer';
import type { Finisher } from '../finishing/finisher';
import type { TaskLogger } from '../types';

/** At most four writes a second and task; only the last value of each interval is written. */
const EVERY_MS = 250;
const MAX_BYTES = 4 * 1024;

/** Collects the progress of running tasks and writes it in one statement for all of them. */
export class ProgressWriter {
  private latest = new Map<ClaimedTask, string>();
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

  /** Writes what has not been written, so that a task's end does not overtake its last progress. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const values = [...this.latest].map(([task, json]) => ({ task, json }));
    this.latest = new Map();
    if (values.length === 0) return;
    await this.finisher.progress(values).catch((error: unknown) => {
      this.logger.debug({ err: error }, 'progress not written');
    });
  }

  has(task: ClaimedTask): boolean {
    return this.latest.has(task);
  }
}
