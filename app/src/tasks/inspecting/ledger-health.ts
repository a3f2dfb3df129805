import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { PRUNE } from '../maintaining/prune-chore';

/** One table of the ledger. */
export interface TableHealth {
  readonly name: string;
  /** With its TOAST table and maps, in bytes. */
  readonly tableBytes: number;
  readonly indexBytes: number;
  /** As PostgreSQL's statistics estimate it. */
  readonly liveRows: number;
  /** Row versions that autovacuum has not cleared away yet, as PostgreSQL's statistics estimate it. */
  readonly deadRows: number;
}

export interface LedgerHealth {
  readonly tables: readonly TableHealth[];
  /** Seconds since the end of the task that ended first among the oldest thousand; null when none of them has ended. */
  readonly oldestFinishedAgeSeconds: number | null;
  /** Seconds since pruning last went through all that may have expired; null when it never has. Over some minutes it lags. */
  readonly sincePrunedSeconds: number | null;
}

interface TableRow {
  name: string;
  table_bytes: number;
  index_bytes: number;
  live_rows: number;
  dead_rows: number;
}

interface OldestRow {
  oldest_finished_age_seconds: number | null;
  since_pruned_seconds: number | null;
}

const EVERY_MS = 30_000;

/** Asks for the ledger's sizes, at most every 30 s however many ask. */
export class HealthReader {
  private readonly sql = loadStatements(__dirname, 'health.sql', ['tables', 'oldest']);
  private cached: { readonly health: Promise<LedgerHealth>; readonly freshUntilMs: number } | undefined;

  constructor(private readonly ledger: Pick<Ledger, 'query'>) {}

  read(): Promise<LedgerHealth> {
    const nowMs = performance.now();
    if (this.cached !== undefined && nowMs < this.cached.freshUntilMs) return this.cached.health;
    const entry = { health: this.ask(), freshUntilMs: nowMs + EVERY_MS };
    this.cached = entry;
    entry.health.catch(() => {
      if (this.cached === entry) this.cached = undefined;
    });
    return entry.health;
  }

  private async ask(): Promise<LedgerHealth> {
    const tables = (await this.ledger.query<TableRow>(this.sql.tables)).rows;
    const [oldest] = (await this.ledger.query<OldestRow>(this.sql.oldest, [PRUNE])).rows;
    return {
      tables: tables.map((row) => ({
        name: row.name,
        tableBytes: row.table_bytes,
        indexBytes: row.index_bytes,
        liveRows: row.live_rows,
        deadRows: row.dead_rows,
      })),
      oldestFinishedAgeSeconds: oldest?.oldest_finished_age_seconds ?? null,
      sincePrunedSeconds: oldest?.since_pruned_seconds ?? null,
    };
  }
}
