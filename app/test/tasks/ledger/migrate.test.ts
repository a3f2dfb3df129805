import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { migrate, runMigrations } from '../../../src/tasks';
import { createDatabase } from '../../servers/databases';
import type { TestDatabase } from '../../servers/databases';
import { testFolder } from '../../servers/private-servers';
import { until } from '../support/until';

/** A folder with these migrations. */
function migrations(files: Readonly<Record<string, string>>): string {
  const folder = testFolder('migrations');
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
  return folder;
}

describe('migrations', () => {
  let database: TestDatabase;
  let client: Client;
  const connection = (): { connectionString: string } => ({ connectionString: database.url });
  const rows = async <Row extends QueryResultRow>(text: string): Promise<Row[]> => (await client.query<Row>(text)).rows;
  const tables = async (): Promise<string[]> =>
    (await rows<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'app' order by 1`)).map(
      (row) => row.name,
    );

  beforeEach(async () => {
    database = await createDatabase();
    client = new Client(connection());
    await client.connect();
  });
  afterEach(async () => {
    await client.end();
    await database.drop();
  });

  it('are harmless when run twice: the second run applies nothing and changes nothing', async () => {
    expect(await migrate(connection())).toEqual([
      '0001-ledger.sql',
      '0002-worker-kind.sql',
      '0003-features.sql',
      '0004-feature-indexes.sql',
    ]);
    const before = await rows('select epoch from holdfast.ledger');
    expect(await migrate(connection())).toEqual([]);
    expect(await rows('select epoch from holdfast.ledger')).toEqual(before);
  });

  it('are applied once when several processes run them at the same time', async () => {
    // The first waits in its migration for a lock that we hold, so that the others arrive while it is under way.
    await client.query('create table gate ()');
    await client.query('begin');
    await client.query('lock table gate');
    const directory = migrations({
      '0001-films.sql': 'lock table gate; create table app.film (id int); insert into app.film values (1)',
      '0002-more.sql': 'insert into app.film values (2)',
    });
    const runs = Promise.all([1, 2, 3].map(() => runMigrations(connection(), { schema: 'app', directory })));
    const observer = new Client(connection());
    await observer.connect();
    try {
      await until('one run waits for the gate and two for the first run', async () => {
        const waiting = await observer.query<{ locktype: string }>(
          `select locktype from pg_locks where not granted order by locktype`,
        );
        const asking = await observer.query(
          `select from pg_stat_activity
           where datname = current_database() and state = 'idle' and query like 'select pg_try_advisory_lock%'`,
        );
        return waiting.rows.map((row) => row.locktype).join() === 'relation' && asking.rowCount === 2;
      });
    } finally {
      await observer.end();
      await client.query('rollback');
    }
    const applied = await runs;
    expect(applied.flat()).toEqual(['0001-films.sql', '0002-more.sql']);
    expect(applied.filter((files) => files.length === 0)).toHaveLength(2);
    expect(await rows('select id from app.film order by id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('are applied in the order of their numbers, only those that are new', async () => {
    const first = { '0001-film.sql': 'create table app.film (id int)' };
    const second = { ...first, '0002-title.sql': 'alter table app.film add title text' };
    await runMigrations(connection(), { schema: 'app', directory: migrations(first) });
    const applied = await runMigrations(connection(), { schema: 'app', directory: migrations(second) });
    expect(applied).toEqual(['0002-title.sql']);
    expect(await rows('select name from app.migration order by name')).toEqual([
      { name: '0001-film.sql' },
      { name: '0002-title.sql' },
    ]);
  });

  it('that fail leave nothing of themselves, name their file, and stop those after them', async () => {
    const broken = {
      '0001-film.sql': 'create table app.film (id int)',
      '0002-broken.sql': 'create table app.half (id int); insert into app.nowhere values (1)',
      '0003-after.sql': 'create table app.after (id int)',
    };
    const source = { schema: 'app', directory: migrations(broken) };
    await expect(runMigrations(connection(), source)).rejects.toMatchObject({
      message: 'migration app/0002-broken.sql failed: relation "app.nowhere" does not exist',
    });
    expect(await tables()).toEqual(['film', 'migration']);
    expect(await rows('select name from app.migration')).toEqual([{ name: '0001-film.sql' }]);

    const mended = { ...broken, '0002-broken.sql': 'create table app.half (id int)' };
    const applied = await runMigrations(connection(), { schema: 'app', directory: migrations(mended) });
    expect(applied).toEqual(['0002-broken.sql', '0003-after.sql']);
  });

  it('are recorded in the transaction that applies them: without the record there is nothing of them', async () => {
    const directory = migrations({ '0001-film.sql': 'create table app.film (id int); drop table app.migration' });
    await expect(runMigrations(connection(), { schema: 'app', directory })).rejects.toThrow('0001-film.sql failed');
    expect(await tables()).toEqual(['migration']);
  });

  it.each(['1-film.sql', '0001_film.sql', '0001-Film.sql', 'film.sql'])(
    'that are not named NNNN-what.sql are refused before anything is applied: %s',
    async (name) => {
      const directory = migrations({ '0000-good.sql': 'create table app.good ()', [name]: 'select 1' });
      await expect(runMigrations(connection(), { schema: 'app', directory })).rejects.toThrow(
        new Error(`${name}: migrations are named NNNN-what.sql`),
      );
      expect(await tables()).toEqual([]);
    },
  );

  it('go to a schema whose name needs no quoting', async () => {
    const directory = migrations({});
    await expect(runMigrations(connection(), { schema: 'App"; drop', directory })).rejects.toThrow(
      new Error(`schema 'App"; drop' is not a plain lower-case identifier`),
    );
  });

  describe('that build indexes concurrently', () => {
    const films = { '0001-film.sql': 'create table app.film (id int); insert into app.film values (1)' };
    const index = 'create unique index concurrently film_id on app.film (id)';
    const indexes = { ...films, '0002-index.sql': `-- concurrently\n\n-- name: film_id\n${index}\n` };
    const built = (): Promise<{ valid: boolean }[]> =>
      rows(`select indisvalid as valid from pg_index where indexrelid = to_regclass('app.film_id')`);
    let other: Client;
    beforeEach(async () => {
      other = new Client(connection());
      await other.connect();
      await runMigrations(connection(), { schema: 'app', directory: migrations(films) });
    });
    afterEach(() => other.end());
    /** Resolves when a run has begun to build and waits for a transaction that was open before. */
    const building = async (): Promise<void> => {
      await until('the build waits', async () => {
        const waiting = `select from pg_stat_activity where datname = current_database() and wait_event = 'virtualxid'`;
        return (await client.query(waiting)).rowCount === 1;
      });
    };

    it('wait for open transactions, and meanwhile hold up neither readers nor writers', async () => {
      await other.query('begin');
      await other.query('insert into app.film values (2)');
      const run = runMigrations(connection(), { schema: 'app', directory: migrations(indexes) });
      await building();
      await rows(`set lock_timeout = '1s'`);
      await rows('insert into app.film values (3)');
      await rows('update app.film set id = 4 where id = 3');
      await other.query('commit');
      expect(await run).toEqual(['0002-index.sql']);
      expect(await built()).toEqual([{ valid: true }]);
    });

    it('go on although several processes migrate at once: none of them waits in a transaction', async () => {
      await other.query('begin');
      await other.query('insert into app.film values (2)');
      const source = { schema: 'app', directory: migrations(indexes) };
      const first = runMigrations(connection(), source);
      await building();
      const second = runMigrations(connection(), source);
      await until('the second one asks', async () => {
        const asking = `select from pg_stat_activity where datname = current_database() and query like '%try_advisory%'
                        and pid <> pg_backend_pid()`;
        return (await client.query(asking)).rowCount === 1;
      });
      await other.query('commit');
      expect(await Promise.all([first, second])).toEqual([['0002-index.sql'], []]);
    });

    it('drop what a failed run left and build it anew; what was built is not built again', async () => {
      await rows('insert into app.film values (1)');
      const source = { schema: 'app', directory: migrations(indexes) };
      await expect(runMigrations(connection(), source)).rejects.toThrow(
        'migration app/0002-index.sql failed: could not create unique index "film_id"',
      );
      expect(await built()).toEqual([{ valid: false }]);
      await rows('delete from app.film');
      expect(await runMigrations(connection(), source)).toEqual(['0002-index.sql']);
      expect(await built()).toEqual([{ valid: true }]);

      // The process died between the last index and the record.
      const [before] = await rows<{ oid: number }>(`select to_regclass('app.film_id')::oid as oid`);
      await rows(`delete from app.migration where name = '0002-index.sql'`);
      expect(await runMigrations(connection(), source)).toEqual(['0002-index.sql']);
      expect(await rows(`select to_regclass('app.film_id')::oid as oid`)).toEqual([before]);
    });
  });

  it('of the engine hold no lock on tasks that claims wait for while they build: all its later indexes are built concurrently', async () => {
    await migrate(connection());
    const later = await rows<{ name: string }>(
      `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
       where i.indrelid = 'holdfast.task'::regclass and i.indisvalid order by 1`,
    );
    const folder = join(__dirname, '../../../src/tasks/ledger/migrations');
    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const first = readFileSync(join(folder, '0001-ledger.sql'), 'utf8');
    for (const { name } of later.filter((one) => !first.includes(one.name) && one.name !== 'task_pkey')) {
      expect(files.find((sql) => sql.includes(`-- name: ${name}\n`))).toMatch(/^-- concurrently\n/);
    }
  });
});
