import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';

export interface MigrationSource {
  /** Schema that the migrations build; created when it is missing. Its table `migration` records what was applied. */
  readonly schema: string;
  /** Folder with files named NNNN-what.sql, applied in this order. */
  readonly directory: string;
}

const SCHEMA = /^[a-z_][a-z0-9_]*$/;
const FILE = /^\d{4}-[a-z0-9-]+\.sql$/;

/** Brings the task engine's schema up to date. Harmless when run twice or by several processes at once. */
export function migrate(postgres: ClientConfig): Promise<string[]> {
  return runMigrations(postgres, { schema: 'holdfast', directory: join(__dirname, 'migrations') });
}

/**
 * Applies the migrations that the database has not seen, each in a transaction of its own, one process at a time.
 * @returns the names of those applied now.
 * @throws Error naming the file when one fails; it and those after it are then not applied.
 */
export async function runMigrations(postgres: ClientConfig, source: MigrationSource): Promise<string[]> {
  if (!SCHEMA.test(source.schema)) throw new Error(`schema '${source.schema}' is not a plain lower-case identifier`);
  const files = (await readdir(source.directory)).filter((file) => file.endsWith('.sql')).sort();
  const misnamed = files.find((file) => !FILE.test(file));
  if (misnamed !== undefined) throw new Error(`${misnamed}: migrations are named NNNN-what.sql`);

  const client = new Client({ ...postgres, application_name: 'holdfast migrate' });
  await client.connect();
  try {
    // Session-level, so that it outlives the single transactions; one lock for all schemas keeps their order.
    await client.query(`select pg_advisory_lock(hashtextextended('holdfast migration', 0))`);
    await client.query(`create schema if not exists ${source.schema}`);
    await client.query(
      `create table if not exists ${source.schema}.migration (name text primary key, applied_at timestamptz not null default now())`,
    );
    const known = await client.query<{ name: string }>(`select name from ${source.schema}.migration`);
    const applied = new Set(known.rows.map((row) => row.name));
    const pending = files.filter((file) => !applied.has(file));
    for (const file of pending) await apply(client, source, file);
    return pending;
  } finally {
    await client.end();
  }
}

async function apply(client: Client, source: MigrationSource, file: string): Promise<void> {
  const sql = await readFile(join(source.directory, file), 'utf8');
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query(`insert into ${source.schema}.migration (name) values ($1)`, [file]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw new Error(
      `migration ${source.schema}/${file} failed: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
