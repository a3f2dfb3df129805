import type { Pool } from 'pg';

/** What the caller knows of one request. Times in ms since 1970. */
export interface JournalEntry {
  readonly key: number;
  readonly sentAtMs: number;
  /** `unanswered`: the producer ended before it answered; the caller cannot know. */
  answer: 'accepted' | 'refused' | 'unanswered';
}

/** What is in the database at the end. */
export interface Trail {
  /** Keys of the callers' own rows, whose transactions were committed. */
  readonly requests: ReadonlySet<number>;
  /** Key to when its effects were written, in ms since 1970, the earliest first. */
  readonly effects: ReadonlyMap<number, readonly number[]>;
}

export interface Counts {
  /** Requests whose caller was told that the task is accepted. */
  readonly accepted: number;
  /** Requests whose caller was told that it is not, and may send them again. */
  readonly refused: number;
  /** Requests whose caller was told nothing. */
  readonly unanswered: number;
  /** Accepted, and never done. */
  readonly lost: number;
  /** Unanswered: its own row is committed, no task was done for it, and nobody knows. */
  readonly orphaned: number;
  /** Tasks that were done more than once. */
  readonly repeated: number;
  /** From the fault until the first task that was sent after it was done; undefined: none was. */
  readonly againSeconds: number | undefined;
  /** From the fault until every task accepted before it was done; undefined: some task never was. */
  readonly recoveredSeconds: number | undefined;
}

export async function readTrail(pool: Pool): Promise<Trail> {
  const requests = await pool.query<{ key: number }>('select key from request');
  const effects = await pool.query<{ key: number; at: number[] }>(
    'select key, array_agg(extract(epoch from at)::float8 * 1000 order by at) as at from effect group by key',
  );
  return {
    requests: new Set(requests.rows.map(({ key }) => key)),
    effects: new Map(effects.rows.map(({ key, at }) => [key, at])),
  };
}

/** Holds what callers were told against what the database says. */
export function count(journal: readonly JournalEntry[], { requests, effects }: Trail, faultAtMs: number): Counts {
  const told = (answer: JournalEntry['answer']) => journal.filter((entry) => entry.answer === answer);
  const undone = (entries: readonly JournalEntry[]) => entries.filter(({ key }) => !effects.has(key));
  const doneAt = (entries: readonly JournalEntry[]) => entries.flatMap(({ key }) => effects.get(key)?.[0] ?? []);
  const seconds = (atMs: number) => Math.max(0, atMs - faultAtMs) / 1_000;
  const accepted = told('accepted');
  const unanswered = told('unanswered');
  const lost = undone(accepted).length;
  const before = accepted.filter(({ sentAtMs }) => sentAtMs < faultAtMs);
  const after = doneAt(journal.filter(({ sentAtMs }) => sentAtMs >= faultAtMs));
  return {
    accepted: accepted.length,
    refused: told('refused').length,
    unanswered: unanswered.length,
    lost,
    orphaned: undone(unanswered).filter(({ key }) => requests.has(key)).length,
    repeated: [...effects.values()].filter((times) => times.length > 1).length,
    againSeconds: after.length === 0 ? undefined : seconds(Math.min(...after)),
    recoveredSeconds: lost > 0 ? undefined : seconds(Math.max(faultAtMs, ...doneAt(before))),
  };
}
