import type { LedgerFixture } from './ledger-fixture';
import { until } from './until';

/** Resolves when so many of the ledger's connections wait for a lock that somebody else holds. */
export async function untilWaiting(fixture: LedgerFixture, count = 1): Promise<void> {
  await until(`${count} connections wait for a lock`, async () => {
    const rows = await fixture.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length >= count;
  });
}
