import type { ClaimedTask } from '../claiming/claimer';
import type { Attempt } from './attempt';

/**
 * The tasks that this worker answers for. Heartbeats send this set: what the ledger thinks is ours and is not in here
 * got lost on the way, what is in here and no longer ours is aborted.
 */
export class InHand {
  private readonly attempts = new Map<ClaimedTask, Attempt>();
  /** Open tasks of each claim; a claim whose tasks have all ended is no longer needed in the ledger. */
  private readonly openByClaim = new Map<string, number>();
  /** Open claims of which a task was dropped: the ledger needs them, or nobody would find that task again. */
  private readonly needed = new Set<string>();
  private ended: string[] = [];

  get size(): number {
    return this.attempts.size;
  }

  add(attempt: Attempt): void {
    this.attempts.set(attempt.task, attempt);
    const { claimId } = attempt.task;
    this.openByClaim.set(claimId, (this.openByClaim.get(claimId) ?? 0) + 1);
  }

  /** The end of this attempt is in the ledger. */
  remove(task: ClaimedTask): void {
    if (this.attempts.delete(task)) this.close(task.claimId);
  }

  /** Answers for the task no more although the ledger may say that it runs here: it is given back or taken back. */
  drop(task: ClaimedTask): void {
    if (!this.attempts.delete(task)) return;
    this.needed.add(task.claimId);
    this.close(task.claimId);
  }

  /** The ledger says that this attempt is no longer ours. */
  disown(id: string, fence: number): void {
    for (const attempt of this.attempts.values()) {
      if (attempt.task.id === id && attempt.task.fence === fence) this.abandon(attempt);
    }
  }

  /** The ledger was asked to cancel this attempt's task. The handler is told; the fence decides which comes first. */
  cancel(id: string, fence: number): void {
    for (const attempt of this.attempts.values()) {
      if (attempt.task.id === id && attempt.task.fence === fence && !attempt.finishing) attempt.abort('cancelled');
    }
  }

  /** Aborts the handler and answers for the task no more, unless its end is already being written. */
  abandon(attempt: Attempt): void {
    if (attempt.finishing) return;
    attempt.abort('lease-lost');
    this.drop(attempt.task);
  }

  all(): Attempt[] {
    return [...this.attempts.values()];
  }

  openClaims(): string[] {
    return [...this.openByClaim.keys()];
  }

  /** Claims that ended since the last call: whoever takes them deletes them, or leaves it to the next heartbeat. */
  takeEndedClaims(): string[] {
    const ended = this.ended;
    this.ended = [];
    return ended;
  }

  private close(claimId: string): void {
    const open = (this.openByClaim.get(claimId) ?? 1) - 1;
    if (open > 0) {
      this.openByClaim.set(claimId, open);
      return;
    }
    this.openByClaim.delete(claimId);
    if (!this.needed.delete(claimId)) this.ended.push(claimId);
  }
}
