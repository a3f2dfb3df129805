import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { splitStatements } from './statements';

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

/** First line of a migration that builds indexes while others write: named statements, each as its index. */
const CONCURRENTLY = '-- concurrently\n';
/** Between two tries to be the process that migrates. */
const TURN_EVERY_MS = 100;

/**
 * Applies the migrations that the database has not seen, one process at a time: each in a transaction of its own, or
 * index by index where its first line is `-- concurrently`. Such a one waits until all transactions that are open have
 * ended, and holds up nobody meanwhile.
 * @returns the names of those applied now.
 * @throws Error naming the file when one fails; it and those after it are then not applied.
 */
export async function runMigrations(postgres: ClientConfig, source: MigrationSource): Promise<string[]> {
  if (!SCHEMA.test(source.schema)) throw new Error(`schema '${source.schema}' is not a plain lower-case identifier`);
  const files = (await readdir(source.directory)).filter((file) => file.endsWith('.sql')).sort();
  const misnamed = files.find((file) => !FILE.test(file));
  if (misnamed !== undefined) throw new Error(`${misnamed}: migrations are named NNNN-what.sql`);

  const client = new Client({ ...postgres, application_name: 'holdfast migrate' });
  // A loss is what the next statement throws; unheard, its event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Session-level, so that it outlives the single transactions; one lock for all schemas keeps their order.
    await takeTurn(client);
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

/** Asks again and again: whoever waited in one statement would be a transaction that concurrent builds wait for. */
async function takeTurn(client: Client): Promise<void> {
  const lock = `select pg_try_advisory_lock(hashtextextended('holdfast migration', 0)) as mine`;
  while ((await client.query<{ mine: boolean }>(lock)).rows[0]?.mine !== true) await sleep(TURN_EVERY_MS);
}

async function apply(client: Client, source: MigrationSource, file: string): Promise<void> {
  const sql = await readFile(join(source.directory, file), 'utf8');
  try {
    if (sql.startsWith(CONCURRENTLY)) await buildIndexes(client, source.schema, splitStatements(sql));
    await client.query('begin');
    if (!sql.startsWith(CONCURRENTLY)) await client.query(sql);
    await client.query(`insert into ${source.schema}.migration (name) values ($1)`, [file]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`migration ${source.schema}/${file} failed: ${reason}`, { cause: error });
  }
}

/** What an earlier run has built stays; what it left unfinished slows writes down, is of no use, and is built anew. */
async function buildIndexes(client: Client, schema: string, indexes: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, sql] of indexes) {
    const built = await client.query<{ valid: boolean }>(
      `select i.indisvalid as valid from pg_index i join pg_class c on c.oid = i.indexrelid
       where c.relname = $1 and c.relnamespace = $2::regnamespace`,
      [name, schema],
    );
    const valid = built.rows[0]?.valid;
    if (valid === true) continue;
    if (valid === false) await client.query(`drop index concurrently ${schema}.${name}`);
    await client.query(sql);
  }
}
