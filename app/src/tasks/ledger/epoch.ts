import { Client } from 'pg';
import type { ClientConfig } from 'pg';

/**
 * Gives the ledger a new epoch, and with it new names to all keys in Redis: after a restore from a backup, whose task ids
 * were given out before, no id that Redis still holds can be taken for one of them. Nothing is lost by it; what is due is
 * handed over again from the ledger. Run it while no process of the app runs: they read the epoch when they start.
 * @returns the new epoch.
 * @throws Error when the migration has not run.
 */
export async function newLedgerEpoch(postgres: ClientConfig): Promise<string> {
  const client = new Client({ ...postgres, application_name: 'holdfast epoch' });
  // A loss is what the next statement throws; unheard, its event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const answer = await client.query<{ epoch: string }>(
      `update holdfast.ledger set epoch = left(replace(gen_random_uuid()::text, '-', ''), 12) returning epoch`,
    );
    const row = answer.rows[0];
    if (row === undefined) throw new Error('holdfast.ledger is empty: run the migration again');
    return row.epoch;
  } finally {
    await client.end();
  }
}
