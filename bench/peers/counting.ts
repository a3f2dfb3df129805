import type { Pool } from 'pg';

/** What the caller knows of one request. Times in ms since 1970. */
export interface JournalEntry {
  readonly key: number;
  readonly sentAtMs: number;
  /** `unanswered`: the producer ended before it answered; the caller cannot know. */
  answer: 'accepted' | 'refused' | 'unanswered';
  answeredAtMs?: number;
}

/** What is in the database at the end. */
export interface Trail {
  /** Keys of the callers' own rows, whose transactions were committed. */
  readonly requests: ReadonlySet<number>;
  /** Key to when its effects were written, in ms since 1970, the earliest first. */
  readonly effects: ReadonlyMap<number, readonly number[]>;
  /** Keys of the tasks that the system's own store shows as failed for good. */
  readonly failed: ReadonlySet<number>;
}

export interface Counts {
  /** Requests whose caller was told that the task is accepted. */
  readonly accepted: number;
  /** Requests whose caller was told that it is not, and may send them again. */
  readonly refused: number;
  /** Requests whose caller was told nothing. */
  readonly unanswered: number;
  /** Accepted before the fault, and not done when it came: what was at risk. Of several faults, the most. */
  readonly waiting: number;
  /** Accepted and never done, and nothing shows it. */
  readonly lost: number;
  /** Not done either, but the system's own store shows it as failed, so that somebody may run it again. */
  readonly failed: number;
  /** Unanswered: its own row is committed, no task was done for it, and nobody knows. */
  readonly orphaned: number;
  /** Tasks that were done more than once. */
  readonly repeated: number;
  /** From the fault until the first task that was sent after it was done; undefined: none was. Of several, the longest. */
  readonly againSeconds: number | undefined;
  /** From the fault until every task accepted before it was done; undefined: one never was. Of several, the longest. */
  readonly recoveredSeconds: number | undefined;
}

/** @param failed keys of the tasks that the system's own store shows as failed for good */
export async function readTrail(pool: Pool, failed: readonly number[]): Promise<Trail> {
  const requests = await pool.query<{ key: number }>('select key from request');
  const effects = await pool.query<{ key: number; at: number[] }>(
    'select key, array_agg(extract(epoch from at)::float8 * 1000 order by at) as at from effect group by key',
  );
  return {
    requests: new Set(requests.rows.map(({ key }) => key)),
    effects: new Map(effects.rows.map(({ key, at }) => [key, at])),
    failed: new Set(failed),
  };
}

/**
 * Holds what callers were told against what the database says.
 * @param faultsAtMs when the fault came, and when it came again, in ms since 1970
 */
export function count(journal: readonly JournalEntry[], trail: Trail, faultsAtMs: readonly number[]): Counts {
  const { requests, effects, failed } = trail;
  const told = (answer: JournalEntry['answer']) => journal.filter((entry) => entry.answer === answer);
  const undone = (entries: readonly JournalEntry[]) => entries.filter(({ key }) => !effects.has(key));
  const unseen = (entries: readonly JournalEntry[]) => undone(entries).filter(({ key }) => !failed.has(key));
  const accepted = told('accepted');
  const unanswered = told('unanswered');
  const sequels = faultsAtMs.map((atMs) => sequel(journal, trail, atMs));
  return {
    accepted: accepted.length,
    refused: told('refused').length,
    unanswered: unanswered.length,
    waiting: Math.max(...sequels.map(({ waiting }) => waiting)),
    lost: unseen(accepted).length,
    failed: undone([...accepted, ...unanswered]).filter(({ key }) => failed.has(key)).length,
    orphaned: unseen(unanswered).filter(({ key }) => requests.has(key)).length,
    repeated: [...effects.values()].filter((times) => times.length > 1).length,
    againSeconds: longest(sequels.map(({ againSeconds }) => againSeconds)),
    recoveredSeconds: longest(sequels.map(({ recoveredSeconds }) => recoveredSeconds)),
  };
}

/** The longest; undefined when one has no end. */
export function longest(seconds: readonly (number | undefined)[]): number | undefined {
  const known = seconds.filter((each) => each !== undefined);
  return known.length < seconds.length ? undefined : Math.max(...known);
}

/** What followed one fault. */
function sequel(
  journal: readonly JournalEntry[],
  { effects }: Trail,
  faultAtMs: number,
): Pick<Counts, 'waiting' | 'againSeconds' | 'recoveredSeconds'> {
  const doneAt = ({ key }: JournalEntry) => effects.get(key)?.[0] ?? Infinity;
  const seconds = (atMs: number) => (atMs === Infinity ? undefined : Math.max(0, atMs - faultAtMs) / 1_000);
  const acceptedBefore = journal
    .filter(({ answer, answeredAtMs }) => answer === 'accepted' && (answeredAtMs ?? Infinity) < faultAtMs)
    .map(doneAt);
  const sentAfter = journal.filter(({ sentAtMs }) => sentAtMs >= faultAtMs).map(doneAt);
  return {
    waiting: acceptedBefore.filter((atMs) => atMs > faultAtMs).length,
    againSeconds: seconds(Math.min(Infinity, ...sentAfter)),
    recoveredSeconds: seconds(Math.max(faultAtMs, ...acceptedBefore)),
  };
}
