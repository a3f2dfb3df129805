import type { DispatchItem } from '../dispatching/dispatcher';
import type { TaskLogger } from '../types';
import { FLOWS } from './flow-statements';
import { PIECE_ROWS, Pieces } from './pieces';
import type { Ask } from './pieces';

/** Groups of ended tasks that are remembered at most: one for each generation that is wider than a piece. */
const MOST_LEFT = 1_000;
/** Cancelled tasks of one piece that are named in the log. */
const MOST_REPORTED = 20;

/** A task that has waited, and waits no more. */
export interface SettledRow extends DispatchItem {
  readonly uuid: string;
  readonly name: string;
  readonly state: 'queued' | 'cancelled';
  readonly error: string | null;
  readonly due: boolean;
}

/** Lets waiting tasks (array of bigint ids) run, or ends them, for which there is nothing more to wait. */
export async function settle(ask: Ask, waiting: string): Promise<SettledRow[]> {
  return (await ask<SettledRow>(FLOWS.settle, [waiting])).rows;
}

/**
 * Settles, piece by piece, what waits for tasks that have ended, and what waits for those that it ends in turn. What it
 * forgets, because its process dies or because it is too much, the sweep finds.
 */
export class Settling {
  private readonly pieces: Pieces<SettledRow>;

  constructor(rows = PIECE_ROWS) {
    this.pieces = new Pieces(FLOWS.settle_children, rows);
  }

  get over(): boolean {
    return this.pieces.left === 0;
  }

  /** @param ids of tasks that have ended. */
  after(ids: readonly string[]): void {
    if (this.pieces.left < MOST_LEFT) this.pieces.add(ids);
  }

  /** Goes on behind those of the settled that were cancelled. */
  afterCancelled(settled: readonly SettledRow[]): void {
    this.after(settled.filter(({ state }) => state === 'cancelled').map(({ id }) => id));
  }

  forget(): void {
    this.pieces.forget();
  }

  async next(ask: Ask): Promise<SettledRow[]> {
    const settled = await this.pieces.next(ask);
    this.afterCancelled(settled);
    return settled;
  }
}

/** Those that somebody may take now. */
export function dueOf(rows: readonly SettledRow[]): DispatchItem[] {
  return rows
    .filter(({ state, due }) => state === 'queued' && due)
    .map(({ id, queue, priority }) => ({ id, queue, priority }));
}

export function reportCancelled(rows: readonly SettledRow[], logger: TaskLogger): void {
  const cancelled = rows.filter(({ state }) => state === 'cancelled');
  for (const { uuid, name, error } of cancelled.slice(0, MOST_REPORTED)) {
    logger.info({ task: uuid, name, reason: error }, 'waiting task is cancelled');
  }
  if (cancelled.length <= MOST_REPORTED) return;
  logger.info({ tasks: cancelled.length - MOST_REPORTED }, 'more waiting tasks are cancelled for the like reasons');
}
