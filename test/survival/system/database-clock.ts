import type { LedgerView } from './ledger-view';

/**
 * Gives the database a clock that can be set: a function `now()` of its own that is found before PostgreSQL's. The engine and
 * the app ask no other clock for what is due. To be called before any process connects.
 */
export async function takeOverClock(ledger: LedgerView): Promise<void> {
  await ledger.rows('create schema fake');
  await ledger.rows(`create table fake.clock as select interval '0' as by`);
  await ledger.rows(
    `create function fake.now() returns timestamptz language sql stable as 'select pg_catalog.now() + by from fake.clock'`,
  );
  await ledger.rows('alter database postgres set search_path = fake, public, pg_catalog');
}

/** Lets the clock jump by so many seconds, to the past when negative. */
export async function jump(ledger: LedgerView, seconds: number): Promise<void> {
  await ledger.rows('update fake.clock set by = by + make_interval(secs => $1)', [seconds]);
}

/** Sets the clock. */
export async function setClock(ledger: LedgerView, moment: Date): Promise<void> {
  await ledger.rows('update fake.clock set by = $1::timestamptz - pg_catalog.now()', [moment]);
}
