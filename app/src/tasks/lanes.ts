import { PRIORITIES } from './definition';
import type { Priority } from './definition';

/** A lane is one queue at one priority: one Redis list. */
export interface Lane {
  readonly queue: string;
  /** 0 = high … 3 = bulk, as in the ledger. */
  readonly priority: number;
}

export const PRIORITY_NUMBERS = PRIORITIES.map((_, number) => number);

export function priorityNumber(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

export function priorityName(number: number): Priority {
  const name = PRIORITIES[number];
  if (name === undefined)
    throw new Error(`the ledger holds priority ${number}; known are 0 to ${PRIORITIES.length - 1}`);
  return name;
}

/** The names of the engine's keys in Redis. All carry one hash tag, so that scripts and LMPOP work in cluster mode. */
export class RedisKeys {
  private readonly prefix: string;

  constructor(epoch: string) {
    this.prefix = `{holdfast:${epoch}}`;
  }

  list(lane: Lane): string {
    return `${this.prefix}:lane:${lane.queue}:${lane.priority}`;
  }

  /** Set while the ledger holds more of this lane than its list: then only the relay pushes what is new. */
  overflow(lane: Lane): string {
    return `${this.prefix}:overflow:${lane.queue}:${lane.priority}`;
  }

  /** Set by the relay when it has filled the queue's lists; gone with everything else when Redis loses its data. */
  generation(queue: string): string {
    return `${this.prefix}:generation:${queue}`;
  }
}

/** Ids as the text form of a PostgreSQL array: many times cheaper than one quoted element each. */
export function idArray(ids: readonly (string | number)[]): string {
  return `{${ids.join(',')}}`;
}
