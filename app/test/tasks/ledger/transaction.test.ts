import { CommitUnknownError, TransactionEndedError } from '../../../src/tasks';
import type { Transaction } from '../../../src/tasks';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { tcpSwitch } from '../support/tcp-switch';
import type { TcpSwitch } from '../support/tcp-switch';
import { until } from '../support/until';

describe('a transaction on the ledger', () => {
  let fixture: LedgerFixture;
  let line: TcpSwitch;
  let ledger: Ledger;
  const pidOf = async (tx: Pick<Transaction, 'query'>): Promise<number> =>
    (await tx.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
  const films = async (): Promise<string[]> =>
    (await fixture.rows<{ title: string }>('select title from film order by title')).map((row) => row.title);

  beforeEach(async () => {
    fixture = await ledgerFixture();
    await fixture.rows('create table film (title text primary key deferrable initially deferred)');
    const address = new URL(fixture.url);
    line = await tcpSwitch(Number(address.port));
    address.port = String(line.port);
    // One connection: whatever a transaction leaves behind on it, the next one would meet.
    ledger = new Ledger({ connectionString: address.href, max: 1 }, 15, recordingLogger());
  });
  afterEach(async () => {
    await ledger.close();
    await line.close();
    await fixture.drop();
  });

  it('whose COMMIT PostgreSQL answers with ROLLBACK, because a failed statement was swallowed, is reported', async () => {
    const swallowing = ledger.transaction(async (tx) => {
      await tx.query(`insert into film values ('Metropolis')`);
      await tx.query('select 1 / 0').catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow(
      new Error('the transaction was rolled back: one of its statements had failed and the error was not passed on'),
    );
    expect(await films()).toEqual([]);
  });

  it('whose function never comes back gives its connection back when the session is ended', async () => {
    let pid: number | undefined;
    const hanging = ledger.transaction(async (tx) => {
      pid = await pidOf(tx);
      await new Promise(() => undefined);
    });
    hanging.catch(() => undefined);
    await fixture.rows('select pg_terminate_backend($1)', [await until('it has begun', () => pid)]);
    await expect(hanging).rejects.toThrow();
    expect((await ledger.query('select 1')).rowCount).toBe(1);
  });

  it('that fails at COMMIT for a reason of its own fails with that reason, and its connection goes on', async () => {
    await fixture.rows(`insert into film values ('Metropolis')`);
    let pid = 0;
    const failing = ledger.transaction(async (tx) => {
      pid = await pidOf(tx);
      await tx.query(`insert into film values ('Metropolis')`);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await ledger.transaction(pidOf)).toBe(pid);
  });

  it('whose caller throws is rolled back before its connection is used again', async () => {
    const failing = ledger.transaction(async (tx) => {
      await tx.query(`insert into film values ('Metropolis')`);
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    await ledger.transaction((tx) => tx.query(`insert into film values ('M')`));
    expect(await films()).toEqual(['M']);
  });

  it('whose connection PostgreSQL ends during COMMIT is of unknown fate, and the connection is not used again', async () => {
    await fixture.rows(`
      create function end_session() returns trigger language plpgsql as $$
      begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`);
    await fixture.rows(`
      create constraint trigger ends after insert on film deferrable initially deferred
      for each row execute function end_session()`);
    let pid = 0;
    const unknown = ledger.transaction(async (tx) => {
      pid = await pidOf(tx);
      await tx.query(`insert into film values ('Metropolis')`);
    });
    await expect(unknown).rejects.toBeInstanceOf(CommitUnknownError);
    await expect(unknown).rejects.toMatchObject({ cause: { code: '57P01' } });
    expect(await films()).toEqual([]);
    expect(await ledger.transaction(pidOf)).not.toBe(pid);
  });

  it('whose COMMIT was carried out but its answer lost is of unknown fate as well', async () => {
    let pid = 0;
    const unknown = ledger.transaction(async (tx) => {
      pid = await pidOf(tx);
      await tx.query(`insert into film values ('Metropolis')`);
      line.loseAnswers();
    });
    const outcome = expect(unknown).rejects.toBeInstanceOf(CommitUnknownError);
    await until('the commit has happened', async () => (await films()).length === 1);
    line.cut();
    await outcome;
    expect(await ledger.transaction(pidOf)).not.toBe(pid);
  });

  it('whose connection is lost before COMMIT was sent has certainly not happened, and says what it died of', async () => {
    const lost = ledger.transaction(async (tx) => {
      await tx.query(`insert into film values ('Metropolis')`);
      line.cut();
      await tx.query(`insert into film values ('M')`);
    });
    await expect(lost).rejects.not.toBeInstanceOf(CommitUnknownError);
    await expect(lost).rejects.toMatchObject({ message: expect.stringMatching(/ECONNRESET|terminated/) as string });
    await ledger.transaction((tx) => tx.query(`insert into film values ('Sunrise')`));
    expect(await films()).toEqual(['Sunrise']);
  });

  describe.each([
    ['committed', () => Promise.resolve()],
    ['rolled back', () => Promise.reject(new Error('changed my mind'))],
  ])('once it was %s', (_, end) => {
    it('is of no use any more: late statements are refused, and nothing of them is written', async () => {
      const late: (Transaction & Partial<Pick<Ledger, 'prepared'>>)[] = [];
      await ledger
        .transaction(async (tx) => {
          late.push(tx);
          await end();
        })
        .catch(() => undefined);
      await expect(late[0]!.query(`insert into film values ('M')`)).rejects.toThrow(TransactionEndedError);
      await expect(late[0]!.prepared!('late', 'insert into film values ($1)', ['M'])).rejects.toThrow(
        TransactionEndedError,
      );
      // Nor into the transaction that has the connection now.
      await ledger.transaction(async (tx) => {
        await tx.query('select 1');
        await expect(late[0]!.query(`insert into film values ('M')`)).rejects.toThrow(TransactionEndedError);
      });
      expect(await films()).toEqual([]);
    });
  });

  it('that ends while statements are under way ends with them: all are part of it, and none outlives it', async () => {
    const outcomes: string[] = [];
    const note = (what: string) => () => void outcomes.push(what);
    const failing = ledger.transaction(async (tx) => {
      const slow = tx.query(`insert into film select 'M' from pg_sleep(0.2)`);
      void slow.then(note('slow'), note('slow'));
      await Promise.all([slow, Promise.reject(new Error('changed my mind'))]);
    });
    await expect(failing.finally(note('end'))).rejects.toThrow('changed my mind');
    expect(outcomes).toEqual(['slow', 'end']);
    expect(await films()).toEqual([]);

    await ledger.transaction((tx) => {
      void tx.query(`insert into film select 'Sunrise' from pg_sleep(0.2)`);
      return Promise.resolve();
    });
    expect(await films()).toEqual(['Sunrise']);
  });

  it('that a frozen process leaves open is ended by PostgreSQL within the lease, and its rows come free', async () => {
    const short = new Ledger({ connectionString: fixture.url, max: 1 }, 0.9, recordingLogger());
    const frozen = short.transaction(async (tx) => {
      await tx.query(`insert into film values ('Metropolis')`);
      const pid = await pidOf(tx);
      await until(
        'PostgreSQL has ended the session',
        async () => (await fixture.rows('select from pg_stat_activity where pid = $1', [pid])).length === 0,
        5,
      );
      await tx.query('select 1');
    });
    await expect(frozen).rejects.toMatchObject({ code: '25P03' });
    expect(await films()).toEqual([]);
    await short.close();
  });
});

describe('a single writing statement', () => {
  it('that was carried out but whose answer was lost is of unknown fate; one that never left is not', async () => {
    const fixture = await ledgerFixture();
    await fixture.rows('create table film (title text)');
    const address = new URL(fixture.url);
    const line = await tcpSwitch(Number(address.port));
    address.port = String(line.port);
    const ledger = new Ledger({ connectionString: address.href, max: 1 }, 15, recordingLogger());
    await ledger.query('select 1');
    line.loseAnswers();
    const unknown = expect(ledger.write('insert', 'insert into film values ($1)', ['M'])).rejects.toBeInstanceOf(
      CommitUnknownError,
    );
    await until('it has happened', async () => (await fixture.rows('select from film')).length === 1);
    line.cut();
    await unknown;

    await line.close();
    const refused = ledger.write('insert', 'insert into film values ($1)', ['Metropolis']);
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await ledger.close();
    await fixture.drop();
  });
});

it('options of the server in the URL are kept beside the engine’s own', async () => {
  const fixture = await ledgerFixture();
  const url = `${fixture.url}?options=${encodeURIComponent('-c work_mem=7MB')}`;
  const ledger = new Ledger({ connectionString: url }, 15, recordingLogger());
  const settings = `select current_setting('work_mem') as memory, current_setting('enable_seqscan') as scan`;
  expect((await ledger.query(settings)).rows).toEqual([{ memory: '7MB', scan: 'on' }]);
  expect((await ledger.prepared('settings', settings, [])).rows).toEqual([{ memory: '7MB', scan: 'off' }]);
  const dedicated = ledger.dedicated({ options: '-c enable_seqscan=off' });
  await dedicated.connect();
  expect((await dedicated.query(settings)).rows).toEqual([{ memory: '7MB', scan: 'off' }]);
  await dedicated.end();
  await ledger.close();
  await fixture.drop();
});
