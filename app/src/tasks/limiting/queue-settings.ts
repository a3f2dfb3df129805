import { isValidName, nameRule } from '../definition';
import { DefinitionError } from '../errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { QueueLimits, RateLimit } from '../types';
import { LIMITS_STATEMENTS } from './limited-claimer';

/** Largest `maxRunning`, in tasks. */
export const MOST_RUNNING = 100_000;
/** Largest `rateLimit.count`: the ledger remembers that many starts a queue. */
export const MOST_STARTS = 1_000;
/** Range of `rateLimit.perSeconds`, in seconds. */
export const RATE_SECONDS = { min: 0.1, max: 86_400 };

/** Limits and pauses queues. What is set is in the ledger, so the whole fleet obeys, also workers that start later. */
export class QueueSettings {
  private readonly sql = loadStatements(__dirname, 'limits.sql', LIMITS_STATEMENTS);

  constructor(private readonly ledger: Ledger) {}

  /** @throws DefinitionError when a limit is out of range. */
  async limit(name: string, limits: QueueLimits): Promise<void> {
    checkQueue('limitQueue', name);
    const { maxRunning, rateLimit } = limits;
    if (maxRunning === undefined && rateLimit === undefined) {
      throw new DefinitionError('limitQueue', 'limits', limits, 'maxRunning, rateLimit or both; null lifts one');
    }
    if (maxRunning != null) checkWhole('maxRunning', maxRunning, MOST_RUNNING);
    if (rateLimit != null) checkRate(rateLimit);
    await this.ledger.query(this.sql.limit, [
      ...[name, maxRunning !== undefined, maxRunning ?? null],
      ...[rateLimit !== undefined, rateLimit?.count ?? null, rateLimit?.perSeconds ?? null],
    ]);
  }

  /** @throws DefinitionError when `name` cannot be a queue's. */
  async pause(name: string): Promise<void> {
    checkQueue('pauseQueue', name);
    await this.ledger.query(this.sql.pause, [name]);
  }

  /** @throws DefinitionError when `name` cannot be a queue's. */
  async resume(name: string): Promise<void> {
    checkQueue('resumeQueue', name);
    await this.ledger.query(this.sql.resume, [name]);
  }
}

function checkQueue(where: string, name: string): void {
  if (!isValidName(name)) throw new DefinitionError(where, 'name', name, nameRule);
}

function checkWhole(field: string, given: number, max: number): void {
  if (Number.isInteger(given) && given >= 1 && given <= max) return;
  throw new DefinitionError('limitQueue', field, given, `a whole number from 1 to ${max}, or null for no limit`);
}

function checkRate({ count, perSeconds }: RateLimit): void {
  checkWhole('rateLimit.count', count, MOST_STARTS);
  if (perSeconds >= RATE_SECONDS.min && perSeconds <= RATE_SECONDS.max) return;
  const allowed = `a number of seconds from ${RATE_SECONDS.min} to ${RATE_SECONDS.max}`;
  throw new DefinitionError('limitQueue', 'rateLimit.perSeconds', perSeconds, allowed);
}
