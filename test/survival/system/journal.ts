import { appendFileSync } from 'node:fs';

/** One request of the load and what came of it. Times in ms since 1970, by this machine's clock, as the ledger's are. */
export interface JournalEntry {
  readonly sentAtMs: number;
  /** When the answer, or the certainty that none comes, was there. */
  readonly endedAtMs: number;
  /** The answer's HTTP status; undefined when the connection broke first: its tasks may or may not exist. */
  readonly status: number | undefined;
  /** The header Retry-After. */
  readonly retryAfter?: string | undefined;
  /** Tasks that were acknowledged. */
  readonly taskIds: readonly string[];
  /** Who was asked: a web process, or the load balancer before them. */
  readonly entrance?: string;
}

/** What callers of the app know, kept outside of it in a file of one line a request. Only grows. */
export class Journal {
  private readonly entries: JournalEntry[] = [];
  private readonly refused: JournalEntry[] = [];

  constructor(readonly file: string) {}

  add(entry: JournalEntry): void {
    this.entries.push(entry);
    appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  /** Answers 503, also to requests that are not journalled otherwise. */
  get refusals(): readonly JournalEntry[] {
    return this.refused;
  }

  /** To be told of every answer. */
  answered(entry: JournalEntry): void {
    if (entry.status === 503) this.refused.push(entry);
  }

  /** Every acknowledged task's id. */
  taskIds(): string[] {
    return this.entries.flatMap((entry) => entry.taskIds);
  }

  /** When each task's acknowledgement came, by its id. */
  acknowledgedAtMs(): Map<string, number> {
    return new Map(this.entries.flatMap(({ taskIds, endedAtMs }) => taskIds.map((id) => [id, endedAtMs] as const)));
  }

  /** Requests that were sent from `fromMs` on and before `toMs`. */
  sentBetween(fromMs: number, toMs: number): JournalEntry[] {
    return this.entries.filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs < toMs);
  }

  /** Tasks whose acknowledgement came from `fromMs` on and before `toMs`. */
  acknowledgedBetween(fromMs: number, toMs: number): number {
    return this.entries
      .filter(({ endedAtMs }) => endedAtMs >= fromMs && endedAtMs < toMs)
      .reduce((sum, { taskIds }) => sum + taskIds.length, 0);
  }
}

/** Of an answer; `none` when there was none. */
export function statusOf({ status }: JournalEntry): string {
  return String(status ?? 'none');
}

/** How many answers there were of each status; `none` for requests without one. */
export function answersByStatus(entries: readonly JournalEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) counts[statusOf(entry)] = (counts[statusOf(entry)] ?? 0) + 1;
  return counts;
}
