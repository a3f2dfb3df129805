import type { Lane } from '../lanes';
import { PRIORITY_NUMBERS } from '../lanes';

export interface WeightedQueue {
  readonly name: string;
  readonly weight: number;
}

/** Every so many takes the lanes are asked from the lowest priority, so that a flood of urgent tasks starves nobody. */
const LOW_FIRST_EVERY = 10;

/**
 * In which order a take asks the lanes: by priority, and within a priority beginning with the queue whose turn it is.
 * Turns go round by weight (smooth weighted round robin, as in nginx), so a weight of 3 comes first 3 times as often.
 */
export class LaneOrder {
  private readonly credit: Map<string, number>;
  private readonly total: number;
  private takes = 0;

  constructor(private readonly queues: readonly WeightedQueue[]) {
    this.credit = new Map(queues.map((queue) => [queue.name, 0]));
    this.total = queues.reduce((sum, queue) => sum + queue.weight, 0);
  }

  next(): Lane[] {
    this.takes += 1;
    for (const queue of this.queues) this.credit.set(queue.name, this.creditOf(queue) + queue.weight);
    const order = [...this.queues].sort((a, b) => this.creditOf(b) - this.creditOf(a));
    const first = order[0];
    if (first !== undefined) this.credit.set(first.name, this.creditOf(first) - this.total);
    const priorities = this.takes % LOW_FIRST_EVERY === 0 ? [...PRIORITY_NUMBERS].reverse() : PRIORITY_NUMBERS;
    return priorities.flatMap((priority) => order.map((queue) => ({ queue: queue.name, priority })));
  }

  private creditOf(queue: WeightedQueue): number {
    return this.credit.get(queue.name) ?? 0;
  }
}
