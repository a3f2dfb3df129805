import { freePort } from '../../../local/servers/free-port';
import { signal } from '../../../local/servers/process-table';
import type { RedisServer } from '../../../local/servers/redis-server';
import { createTasks, handle } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { startPrivateRedis } from '../../servers/private-servers';
import { note } from '../support/dispatch-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

describe('while Redis is away', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;
  let logger: RecordingLogger;
  let redis: RedisServer | undefined;
  const done = async (): Promise<number> =>
    (await fixture.rows<{ count: number }>(`select count(*)::int from holdfast.task where state = 'done'`))[0]!.count;

  beforeEach(async () => {
    fixture = await ledgerFixture();
    await fixture.rows('create table effect (task uuid)');
    logger = recordingLogger();
  });
  afterEach(async () => {
    if (redis !== undefined) signal(redis.pid, 'SIGCONT');
    await tasks.close();
    await redis?.stop();
    await fixture.drop();
    redis = undefined;
  });

  it('accepting and working go on with its port closed, and it is reported once', async () => {
    open(`redis://127.0.0.1:${await freePort()}`);
    await startWorker();
    for (let n = 0; n < 20; n += 1) await tasks.accept(note, { n });
    await until('all are done', async () => (await done()) === 20);
    expect(tasks.redisReachable()).toBe(false);
    expect(tasks.metrics()).toMatchObject({ accepted: 20, dispatched: 0, claimedFromPostgres: 20 });
    const said = logger.saying('redis does not answer').map((line) => line.fields.connection);
    expect(said.sort()).toEqual(['commands', 'take']);
  });

  it('accepting and working go on with it frozen, and nobody keeps a transaction or a row while it hangs', async () => {
    redis = await startPrivateRedis();
    open(redis.url);
    await startWorker();
    await until('Redis answers', () => tasks.redisReachable());
    await tasks.accept(note, { n: 0 });
    await until('the worker works', async () => (await done()) === 1);

    signal(redis.pid, 'SIGSTOP');
    const frozenAt = performance.now();
    let accepted = 1;
    let unsettled = 0;
    let looks = new Map<string, number>();
    // Long enough for every time-out of the engine (2 s and 3 s) to pass while we watch.
    while (performance.now() - frozenAt < 4_500 || (await done()) < 20) {
      if (await answersBeforeRedis(accepted)) unsettled += 1;
      accepted += 1;
      looks = new Map((await idleTransactions()).map((one) => [one, (looks.get(one) ?? 0) + 1]));
      // Its owner shares this process: one that waited for nothing but PostgreSQL went on between our queries.
      expect([...looks].filter(([, seen]) => seen > 50)).toEqual([]);
      if (performance.now() - frozenAt > 30_000) throw new Error(`only ${await done()} of ${accepted} tasks were done`);
    }
    expect(unsettled).toBeGreaterThan(0);
    expect(tasks.redisReachable()).toBe(false);

    signal(redis.pid, 'SIGCONT');
    await until('Redis answers again', () => tasks.redisReachable());
    await until('all are done', async () => (await done()) === accepted, 20);
    expect(await fixture.rows('select from effect')).toHaveLength(accepted);
    expect(logger.saying('redis is back')).not.toHaveLength(0);
  });

  it('no more than 20,000 ids wait in memory for a Redis that hangs', async () => {
    redis = await startPrivateRedis();
    open(redis.url);
    await until('Redis answers', () => tasks.redisReachable());
    signal(redis.pid, 'SIGSTOP');
    const payloads = Array.from({ length: 10_000 }, (_, n) => ({ n }));
    for (let i = 0; i < 3; i += 1) await tasks.acceptMany(note, payloads);
    // Counted at once, before Redis is given up: the third ten thousand found no room.
    expect(tasks.redisReachable()).toBe(true);
    expect(tasks.metrics()).toMatchObject({ accepted: 30_000, dispatched: 0, dispatchSkipped: 10_000 });
  });

  function open(redisUrl: string): void {
    tasks = createTasks({ postgres: { connectionString: fixture.url }, redisUrl, logger });
  }

  async function startWorker(): Promise<void> {
    const handler = handle(note, (context) => {
      context.effects(async (tx) => {
        await tx.query('insert into effect values ($1)', [context.taskId]);
      });
      return Promise.resolve();
    });
    await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
  }

  /** Transactions of the engine that wait for their owner, each told apart by its last statement. */
  async function idleTransactions(): Promise<string[]> {
    const idle = await fixture.rows<{ one: string }>(
      `select concat_ws(' ', pid, state_change, query) as one from pg_stat_activity
       where datname = current_database() and application_name like 'holdfast%' and state like 'idle in transaction%'`,
    );
    return idle.map((row) => row.one);
  }

  /** Whether accepting was over while its id was still on the way to a Redis that had not been given up. */
  async function answersBeforeRedis(n: number): Promise<boolean> {
    const { dispatched, dispatchSkipped } = tasks.metrics();
    await tasks.accept(note, { n });
    return (
      tasks.redisReachable() &&
      tasks.metrics().dispatched === dispatched &&
      tasks.metrics().dispatchSkipped === dispatchSkipped
    );
  }
});
