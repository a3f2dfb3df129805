/** What the ledger must say of one task, by the rules alone. */
export interface ModelTask {
  readonly id: string;
  readonly queue: string;
  readonly maxAttempts: number;
  state: 'waiting' | 'queued' | 'running' | 'done' | 'dead' | 'cancelled' | 'parked';
  fence: number;
  attempts: number;
  /** Its run_at by the model's clock: tasks of a lane are claimed in this order. */
  runAt: number;
  /** Workers lost under it in a row. */
  crashes: number;
  cancelRequested: boolean;
  /** Which worker runs it. */
  worker: number | undefined;
  /** Its effects must exist, exactly once. */
  effects: boolean;
}

/** From which loss on a task runs alone, and how many losses while alone make it dead. */
export const SUSPECT_AFTER = 2;
export const MOST_CRASHES = 5;

/** How much later another attempt comes, on the model's clock. */
const LATER = 1_000_000;

/** The whole ledger as it must be. Holds no clock: what is later becomes due when the model says so. */
export class LedgerModel {
  readonly tasks = new Map<string, ModelTask>();
  readonly paused = new Set<string>();
  private clock = 0;

  add(id: string, queue: string, maxAttempts: number): ModelTask {
    const task: ModelTask = {
      ...{ id, queue, maxAttempts, state: 'queued', fence: 0, attempts: 0, runAt: this.now() },
      ...{ crashes: 0, cancelRequested: false, worker: undefined, effects: false },
    };
    this.tasks.set(id, task);
    return task;
  }

  all(): ModelTask[] {
    return [...this.tasks.values()];
  }

  /** What a claim of the oldest must bring, in its order. */
  claimable(queue: string): ModelTask[] {
    if (this.paused.has(queue)) return [];
    return this.all()
      .filter(
        (task) =>
          task.queue === queue && task.state === 'queued' && task.runAt <= this.clock && task.crashes < SUSPECT_AFTER,
      )
      .sort((a, b) => a.runAt - b.runAt);
  }

  claimed(task: ModelTask, worker: number): void {
    task.state = 'running';
    task.fence += 1;
    task.attempts += 1;
    task.worker = worker;
  }

  /** The attempt under this fence may write its end. */
  owns(id: string, fence: number): boolean {
    const task = this.tasks.get(id);
    return task?.state === 'running' && task.fence === fence;
  }

  done(task: ModelTask, effects: boolean): void {
    Object.assign(task, { state: 'done', effects, worker: undefined });
  }

  failed(task: ModelTask, verdict: 'retry' | 'dead' | 'cancelled' | 'parked' | 'snoozed'): void {
    const again = verdict === 'retry' || verdict === 'snoozed';
    if (again && task.cancelRequested) task.state = 'cancelled';
    else if (verdict === 'retry') task.state = task.attempts >= task.maxAttempts ? 'dead' : 'queued';
    else task.state = verdict === 'snoozed' ? 'queued' : verdict;
    if (verdict === 'snoozed' && task.state === 'queued') task.attempts -= 1;
    if (task.state === 'queued') task.runAt = this.now() + LATER;
    Object.assign(task, { crashes: 0, worker: undefined });
  }

  givenBack(task: ModelTask): void {
    task.attempts -= 1;
    task.state = task.cancelRequested ? 'cancelled' : 'queued';
    task.worker = undefined;
  }

  /** Its worker was lost. */
  takenBack(task: ModelTask): void {
    const alone = task.crashes >= SUSPECT_AFTER;
    if (!alone) task.attempts -= 1;
    task.crashes += 1;
    task.worker = undefined;
    if (task.cancelRequested) task.state = 'cancelled';
    else if (alone && (task.attempts >= task.maxAttempts || task.crashes >= MOST_CRASHES)) task.state = 'dead';
    else task.state = 'queued';
  }

  retried(task: ModelTask): void {
    Object.assign(task, { state: 'queued', crashes: 0, runAt: this.now() });
  }

  /** As if everything had happened twice `LATER` ago: whatever waited for its time is due, in the order that it had. */
  timePasses(): void {
    for (const task of this.all()) task.runAt -= 2 * LATER;
  }

  /** A moment that no other event shares. */
  private now(): number {
    this.clock += 1;
    return this.clock;
  }
}
