import { Client, Pool } from 'pg';
import type { QueryResultRow } from 'pg';
import { createLedgerDatabase } from '../../servers/databases';

/** A migrated ledger in a database of its own, and ways to look at it that do not go through the engine. */
export interface LedgerFixture {
  readonly url: string;
  /** For SQL of the test itself. */
  readonly pool: Pool;
  /** The rows of one statement on the test's own pool. */
  rows<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The epoch in every Redis key of this ledger. */
  readonly epoch: string;
  /** A connection of its own, for transactions that are held open; closed with the fixture. */
  connect(): Promise<Client>;
  /** Closes the connections and drops the database. */
  drop(): Promise<void>;
}

export async function ledgerFixture(): Promise<LedgerFixture> {
  const database = await createLedgerDatabase();
  const pool = new Pool({ connectionString: database.url, max: 5, application_name: 'test' });
  pool.on('error', () => undefined);
  const clients: Client[] = [];
  const rows = async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, [...values])).rows;
  const [ledger] = await rows<{ epoch: string }>('select epoch from holdfast.ledger');
  return {
    url: database.url,
    pool,
    rows,
    epoch: ledger!.epoch,
    connect: async () => {
      const client = new Client({ connectionString: database.url, application_name: 'test' });
      client.on('error', () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    },
    drop: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      await pool.end();
      await database.drop();
    },
  };
}
