import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { migrate } from '../../app/src/tasks';
import { pruneChore } from '../../app/src/tasks/maintaining/prune-chore';
import { startServers } from '../servers';

/*
 * What it costs to delete finished tasks row by row, beside dropping partitions by accepted_at, and what becomes of the
 * table's size (docs/adr/0011). `npm run bench:retention -- [rows a round]`, on a PostgreSQL of its own; about a minute.
 */
const ROUNDS = 7;
const PARTITIONS = 30;
const LOOKUPS = 2_000;
/** Rounds whose tasks are kept, so that the walk has a table to leave alone. */
const KEPT_ROUNDS = 2;

const COLUMNS = `uuid, name, version, queue, priority, payload, run_at, max_attempts, budget, time_limit_seconds, accepted_at`;
const values = (rows: number, age: string): string =>
  `select gen_random_uuid(), 'measure', 1, 'default', 1, jsonb_build_object('text', repeat('x', 200), 'n', n), now(), 5, 5, 60,
          now() - interval '${age}' from generate_series(1, ${rows}) n`;

async function main(rows: number): Promise<void> {
  const servers = await startServers(undefined);
  try {
    const postgres = { connectionString: servers.postgresUrl };
    await migrate(postgres);
    const client = new Client(postgres);
    await client.connect();
    try {
      await pruneRounds(client, rows);
      await partitions(client, rows);
    } finally {
      await client.end();
    }
  } finally {
    await servers.stop();
  }
}

/** Accepts, claims, completes and prunes the same number of tasks again and again: the sizes must settle. */
async function pruneRounds(client: Client, rows: number): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await client.query(`insert into holdfast.task (${COLUMNS}) ${values(rows, `${100 - round} hours`)}`);
    await client.query(`update holdfast.task set state = 'running', fence = 1, attempts = 1 where state = 'queued'`);
    await client.query(`update holdfast.task set state = 'done', finished_at = accepted_at where state = 'running'`);
    await client.query('checkpoint');
    await client.query(`update holdfast.chore set resume_at = now(), position = 0`);
    const keptSeconds = (100 - round + KEPT_ROUNDS) * 3_600 - 1_800;
    const chore = pruneChore({ doneSeconds: keptSeconds, cancelledSeconds: keptSeconds, deadSeconds: keptSeconds });
    const walBefore = await walPosition(client);
    const steps: number[] = [];
    for (let more: boolean | undefined = true; more;) {
      const began = performance.now();
      await client.query('begin');
      more = (await chore.step({ query: (text, given) => client.query(text, given as unknown[]) })).more;
      await client.query('commit');
      steps.push(performance.now() - began);
    }
    const walMiB = await mebibytes(client, `select pg_wal_lsn_diff(pg_current_wal_lsn(), '${walBefore}')`);
    const began = performance.now();
    await client.query('vacuum (analyze) holdfast.task');
    const vacuumMs = performance.now() - began;
    const totalMs = steps.reduce((sum, step) => sum + step, 0);
    say(`prune round ${round}`, {
      // Nothing has expired in the first rounds.
      'rows/s': round > KEPT_ROUNDS ? Math.round((rows / totalMs) * 1000) : 0,
      'longest step ms': Math.round(Math.max(...steps)),
      'WAL MiB': walMiB,
      'vacuum ms': Math.round(vacuumMs),
      'table MiB': await mebibytes(client, `select pg_table_size('holdfast.task')`),
      'indexes MiB': await mebibytes(client, `select pg_indexes_size('holdfast.task')`),
    });
  }
}

/** The same rows in daily partitions: dropping one, and finding tasks by their ids over all of them. */
async function partitions(client: Client, rows: number): Promise<void> {
  await client.query(
    `create table whole (like holdfast.task including defaults including generated including identity)`,
  );
  await client.query('alter table whole add primary key (id)');
  await client.query(
    `create table parted (like holdfast.task including defaults including generated including identity)
     partition by range (accepted_at)`,
  );
  await client.query('alter table parted add primary key (id, accepted_at)');
  for (let day = 0; day < PARTITIONS; day += 1) {
    const bound = (n: number): string => `now()::date - ${n}`;
    const [row] = (
      await client.query<{ low: string; high: string }>(
        `select (${bound(day)})::text as low, (${bound(day - 1)})::text as high`,
      )
    ).rows;
    await client.query(
      `create table parted_${day} partition of parted for values from ('${row?.low}') to ('${row?.high}')`,
    );
  }
  const each = Math.ceil(rows / PARTITIONS);
  for (let day = 0; day < PARTITIONS; day += 1) {
    for (const table of ['whole', 'parted']) {
      await client.query(`insert into ${table} (${COLUMNS}) ${values(each, `${day} days`)}`);
    }
  }
  await client.query('analyze whole, parted');
  for (const table of ['whole', 'parted']) {
    const ids = Array.from({ length: 100 }, (_, i) => 1 + ((i * 7_919) % (each * PARTITIONS)));
    const lookup = {
      name: table,
      text: `select id from ${table} where id = any ($1::bigint[]) for no key update`,
      values: [ids],
    };
    const began = performance.now();
    for (let i = 0; i < LOOKUPS / 100; i += 1) await client.query(lookup);
    const micros = ((performance.now() - began) * 1000) / LOOKUPS;
    say(`by id, ${table === 'whole' ? 'one table' : `${PARTITIONS} partitions`}`, { 'µs a task': Math.round(micros) });
  }
  const began = performance.now();
  await client.query(`drop table parted_${PARTITIONS - 1}`);
  say('drop one partition', { rows: each, ms: Math.round(performance.now() - began) });
}

async function walPosition(client: Client): Promise<string> {
  return (await one<{ at: string }>(client, 'select pg_current_wal_lsn()::text as at')).at;
}

async function mebibytes(client: Client, query: string): Promise<number> {
  const { bytes } = await one<{ bytes: number }>(client, `select (${query})::float8 as bytes`);
  return Math.round((bytes / 1024 / 1024) * 10) / 10;
}

async function one<Row extends QueryResultRow>(client: Client, text: string): Promise<Row> {
  const [row] = (await client.query<Row>(text)).rows;
  if (row === undefined) throw new Error(`no row: ${text}`);
  return row;
}

function say(what: string, figures: Readonly<Record<string, number>>): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(`${what.padEnd(24)}${shown.join(', ')}`);
}

const rows = Number(process.argv[2] ?? 100_000);
if (!Number.isInteger(rows) || rows < 1_000 || rows > 10_000_000) {
  console.error(
    `bench:retention: rows a round is "${process.argv[2]}"; allowed is a whole number from 1000 to 10000000`,
  );
  process.exit(2);
}
main(rows).catch((error: unknown) => {
  console.error(`bench:retention: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
