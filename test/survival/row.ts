import type { System, SystemOptions } from './system/system';
import type { Trial } from './trial';

/** One fault of the list, and what must hold all the same. */
export interface Row {
  /** `P1`; the letter is the family: processes, Redis, database, external effects, instances. */
  readonly id: string;
  readonly fault: string;
  readonly mustHold: string;
  /** Says what stands in for the real fault, where the real one cannot be had on one machine. */
  readonly simulated?: string;
  readonly system?: SystemOptions;
  /** How often processes may end that nobody ends, by how, such as "signal SIGKILL". @default not at all */
  readonly ownEndings?: Readonly<Record<string, number>>;
  /** Injects, heals and checks; whatever it throws or `trial.broken` makes the row red. */
  readonly run: (trial: Trial, system: System) => Promise<void>;
  /** Goes on after `run` with what takes too long for `npm test`: `npm run survive` only. */
  readonly long?: (trial: Trial, system: System) => Promise<void>;
}

/** The first moment of the fault, or the last of its healing. */
export type RecoverySince = 'fault' | 'healing';

/** What was counted in one row. */
export interface Facts {
  /** Tasks that callers were told of. */
  readonly accepted: number;
  readonly done: number;
  /** Of these, the probes that were to leave no effect. */
  readonly withoutEffect?: number;
  /** Dead, cancelled or parked, as the row wants it. */
  readonly otherwise: number;
  /** Rows that tasks left in the database. */
  readonly effects: number;
  /** Tasks with more than one effect. */
  readonly repeated: number;
  /** Acknowledged tasks that are not in the ledger or did not end as they should; undefined: tasks were still under way. */
  readonly lost?: number;
  /** The longest time until what the row promises had come back. */
  readonly recoverySeconds?: number;
  /** From where these are counted. */
  readonly recoverySince?: RecoverySince;
  /** The longest time for which a worker that was well stood idle beside a backlog. */
  readonly standstillSeconds?: number;
  /** More than the usual 5 where a silent loss has to be noticed first. */
  readonly standstillLimitSeconds?: number;
}

export interface Verdict {
  readonly row: Row;
  readonly facts: Facts;
  /** Empty when everything held. */
  readonly broken: readonly string[];
  readonly notes: readonly string[];
  readonly seconds: number;
}
