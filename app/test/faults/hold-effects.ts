import { Client } from 'pg';

/**
 * Stops every probe in the middle of its completing transaction, between the fenced update and the COMMIT: nobody can
 * write to app.probe_effect until the answered function is called.
 */
export async function holdEffects(databaseUrl: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'fault test' });
  await client.connect();
  await client.query('begin');
  await client.query('lock table app.probe_effect in share mode');
  return () => client.end();
}
