import { Pool } from 'pg';
import { migrateAll } from '../../app/src/postgres/migrate-all';

/** What a town library may have planned for a year. */
export const SCREENINGS = 500;

/** Migrates the database and fills the programme; the first of it is the one that the writer changes. */
export async function plan(postgresUrl: string): Promise<void> {
  await migrateAll({ connectionString: postgresUrl });
  const pool = new Pool({ connectionString: postgresUrl, max: 1 });
  try {
    await pool.query(
      `insert into app.screening (title, description, room, starts_at)
       select 'Film ' || n, repeat('A paragraph about the film. ', 10), 'Large hall', now() + n * interval '16 hours'
       from generate_series(1, $1::integer) as n`,
      [SCREENINGS],
    );
    await pool.query('analyze app.screening');
  } finally {
    await pool.end();
  }
}
