export type ModelState = 'waiting' | 'queued' | 'running' | 'done' | 'dead' | 'cancelled' | 'parked';

/** What the ledger must say of one task, by the rules alone. */
export interface ModelTask {
  readonly id: string;
  readonly queue: string;
  /** Attempts that it was accepted with. */
  readonly budget: number;
  maxAttempts: number;
  state: ModelState;
  fence: number;
  attempts: number;
  /** Its run_at, or the one that it gets back, by the model's clock: tasks of a lane are claimed in this order. */
  runAt: number;
  /** Workers lost under it in a row. */
  crashes: number;
  cancelRequested: boolean;
  /** Which worker runs it. */
  worker: number | undefined;
  /** Its effects must exist, exactly once. */
  effects: boolean;
  readonly key: { readonly name: string; readonly until: 'start' | 'finish' } | undefined;
  /** Its key keeps others out. */
  held: boolean;
  readonly parents: readonly { readonly task: ModelTask; readonly onFailure: 'cancel' | 'run' }[];
  /** The parent whose end cancelled it. */
  cause: ModelTask | undefined;
}

/** From which loss on a task runs alone, and how many losses make it dead. */
export const SUSPECT_AFTER = 2;
const MOST_CRASHES = 5;
/** How much later another attempt comes, on the model's clock. */
const LATER = 1_000_000;

type Verdict = 'retry' | 'dead' | 'cancelled' | 'parked' | 'snoozed';

/** The whole ledger as it must be. Holds no real clock: what is later becomes due when the model says so. */
export class LedgerModel {
  readonly tasks = new Map<string, ModelTask>();
  readonly requests = new Map<string, string>();
  readonly paused = new Set<string>();
  readonly maxRunning = new Map<string, number>();
  /** Ticks of the schedule that are due and not accepted. */
  ticksDue = 0;
  private clock = 0;

  add(given: Pick<ModelTask, 'id' | 'queue' | 'budget'> & Partial<Pick<ModelTask, 'key' | 'parents'>>): ModelTask {
    const task: ModelTask = {
      ...{ key: undefined, parents: [], ...given, maxAttempts: given.budget, state: 'queued', fence: 0, attempts: 0 },
      ...{ runAt: this.now(), crashes: 0, cancelRequested: false, worker: undefined, effects: false },
      ...{ held: given.key !== undefined, cause: undefined },
    };
    this.tasks.set(task.id, task);
    if (task.parents.length > 0) {
      const cause = failedParent(task);
      if (cause !== undefined) this.finish(task, 'cancelled', cause);
      else if (!parentsOver(task)) task.state = 'waiting';
    }
    return task;
  }

  all(): ModelTask[] {
    return [...this.tasks.values()];
  }

  /** Which task answers for a unique key now. */
  holder(key: string): ModelTask | undefined {
    return this.all().find((task) => task.held && task.key?.name === key);
  }

  isOpen(queue: string): boolean {
    return !this.paused.has(queue) && !this.maxRunning.has(queue);
  }

  /** What a claim of the oldest must bring, in its order. */
  due(queue: string): ModelTask[] {
    return this.queued(queue).filter(({ crashes }) => crashes < SUSPECT_AFTER);
  }

  /** Of those that run alone, in their order. */
  suspects(queue: string): ModelTask[] {
    return this.queued(queue).filter(({ crashes }) => crashes >= SUSPECT_AFTER);
  }

  running(queue: string): number {
    return this.all().filter((task) => task.queue === queue && task.state === 'running').length;
  }

  claimed(task: ModelTask, worker: number): void {
    Object.assign(task, { state: 'running', fence: task.fence + 1, attempts: task.attempts + 1, worker });
    if (task.key?.until === 'start') task.held = false;
  }

  /** The attempt under this fence may write its end. */
  owns(id: string, fence: number): boolean {
    const task = this.tasks.get(id);
    return task?.state === 'running' && task.fence === fence;
  }

  done(task: ModelTask, effects: boolean): void {
    this.finish(task, 'done');
    task.effects = effects;
  }

  failed(task: ModelTask, verdict: Verdict): void {
    const again = verdict === 'retry' || verdict === 'snoozed';
    Object.assign(task, { crashes: 0, worker: undefined });
    if ((again || verdict === 'parked') && task.cancelRequested) this.finish(task, 'cancelled');
    else if (verdict === 'retry' && task.attempts >= task.maxAttempts) this.finish(task, 'dead');
    else if (again) {
      if (verdict === 'snoozed') task.attempts -= 1;
      Object.assign(task, { state: 'queued', runAt: this.now() + LATER });
    } else if (verdict === 'parked') task.state = 'parked';
    else this.finish(task, verdict);
  }

  givenBack(task: ModelTask): void {
    task.attempts -= 1;
    if (task.cancelRequested) this.finish(task, 'cancelled');
    else Object.assign(task, { state: 'queued', worker: undefined });
  }

  /** Its worker was lost. */
  takenBack(task: ModelTask): void {
    const alone = task.crashes >= SUSPECT_AFTER;
    if (!alone) task.attempts -= 1;
    task.crashes += 1;
    task.worker = undefined;
    if (task.cancelRequested) this.finish(task, 'cancelled');
    else if (alone && (task.attempts >= task.maxAttempts || task.crashes >= MOST_CRASHES)) this.finish(task, 'dead');
    else task.state = 'queued';
  }

  /** @returns whether it is cancelled at once. */
  cancelled(task: ModelTask): boolean {
    task.cancelRequested = true;
    if (task.state === 'running') return false;
    this.finish(task, 'cancelled');
    return true;
  }

  /** By hand, with everything that was cancelled because of it. */
  retried(task: ModelTask): void {
    const again = task.fence === 0 && task.parents.length > 0 && !parentsOver(task) ? 'waiting' : 'queued';
    Object.assign(task, { state: again, crashes: Math.min(task.crashes, SUSPECT_AFTER), runAt: this.now() });
    Object.assign(task, { maxAttempts: task.attempts + task.budget, cancelRequested: false, cause: undefined });
    task.held = task.key !== undefined;
    this.revive(task);
  }

  /** Settles what waits, generation after generation, as sweeps do. */
  sweep(): void {
    for (;;) {
      const ready = this.all().filter((task) => task.state === 'waiting' && (failedParent(task) ?? parentsOver(task)));
      if (ready.length === 0) return;
      const causes = ready.map((task) => ({ task, cause: failedParent(task) }));
      for (const { task, cause } of causes) {
        if (cause !== undefined) this.finish(task, 'cancelled', cause);
        else Object.assign(task, { state: 'queued', runAt: Math.max(task.runAt, this.now()) });
      }
    }
  }

  /** As if everything had happened twice `LATER` ago: whatever waited for its time is due, in the order that it had. */
  timePasses(): void {
    for (const task of this.all()) task.runAt -= 2 * LATER;
  }

  private finish(task: ModelTask, state: 'done' | 'dead' | 'cancelled', cause?: ModelTask): void {
    Object.assign(task, { state, cause, worker: undefined, held: false });
  }

  private revive(parent: ModelTask): void {
    for (const child of this.all()) {
      if (child.state !== 'cancelled' || child.cause !== parent) continue;
      if (child.key !== undefined && this.holder(child.key.name) !== undefined) continue;
      Object.assign(child, {
        state: 'waiting',
        cause: undefined,
        cancelRequested: false,
        held: child.key !== undefined,
      });
      this.revive(child);
    }
  }

  private queued(queue: string): ModelTask[] {
    return this.all()
      .filter((task) => task.queue === queue && task.state === 'queued' && task.runAt <= this.clock)
      .sort((a, b) => a.runAt - b.runAt);
  }

  /** A moment that no other event shares. */
  private now(): number {
    this.clock += 1;
    return this.clock;
  }
}

/** The oldest parent whose end cancels it. */
export function failedParent(task: ModelTask): ModelTask | undefined {
  return task.parents.find(({ task: parent, onFailure }) => onFailure === 'cancel' && hasFailed(parent))?.task;
}

function parentsOver(task: ModelTask): boolean {
  return task.parents.every(({ task: parent }) => parent.state === 'done' || hasFailed(parent));
}

function hasFailed({ state }: ModelTask): boolean {
  return state === 'dead' || state === 'cancelled';
}
