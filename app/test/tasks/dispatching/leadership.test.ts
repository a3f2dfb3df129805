import { createTasks, handle } from '../../../src/tasks';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { redisUrl } from '../../servers/databases';
import { cuttingProxy } from '../support/cutting-proxy';
import { dispatchFixture, note } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

describe('the relays of a queue have one leader', () => {
  let fixture: DispatchFixture;
  const inThisDatabase = 'datname = current_database()';
  /** Sessions that lead a queue; housekeeping takes advisory locks too, for a moment and on other sessions. */
  const leaders = async (): Promise<number[]> =>
    (
      await fixture.rows<{ pid: number }>(
        `select l.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'advisory' and l.granted and a.application_name = 'holdfast relay' and ${inThisDatabase}`,
      )
    ).map((row) => row.pid);
  /** Sessions of relays that have asked for leadership; one that does not lead has nothing else to ask. */
  const followers = async (): Promise<number[]> =>
    (
      await fixture.rows<{ pid: number }>(
        `select pid from pg_stat_activity
         where application_name = 'holdfast relay' and query like '%pg_try_advisory_lock%' and ${inThisDatabase}`,
      )
    ).map((row) => row.pid);
  const terminate = (pid: number): Promise<unknown> => fixture.rows('select pg_terminate_backend($1)', [pid]);
  const relays = async (): Promise<void> => {
    const [id] = await fixture.insert(1);
    await until('the new leader hands over', async () => (await fixture.list()).includes(id!), 5);
  };

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(26) });
  });
  afterEach(() => fixture.close());

  it('and when the leader’s connection is lost, one of them leads within seconds and never two', async () => {
    fixture.startRelay();
    const leader = await until('one leads', async () => (await leaders())[0]);
    fixture.startRelay();
    await until('the other has asked', async () => (await followers()).some((pid) => pid !== leader));
    expect(await leaders()).toEqual([leader]);
    await terminate(leader);
    const next = await until('one leads again', async () => (await leaders()).find((pid) => pid !== leader), 5);
    await until('the other is back and has asked', async () => (await followers()).some((pid) => pid !== next));
    expect(await leaders()).toEqual([next]);
    await relays();
  });

  it('and when it was the only one, it leads again on a new connection', async () => {
    fixture.startRelay();
    const leader = await until('it leads', async () => (await leaders())[0]);
    await relays();
    await terminate(leader);
    const next = await until('it leads again', async () => (await leaders()).find((pid) => pid !== leader), 5);
    expect(await leaders()).toEqual([next]);
    await relays();
  });

  it('and when the leader stops, another takes over', async () => {
    const first = fixture.startRelay();
    const leader = await until('one leads', async () => (await leaders())[0]);
    fixture.startRelay();
    await until('the other has asked', async () => (await followers()).some((pid) => pid !== leader));
    await first.stop();
    await until('the other leads', async () => (await leaders()).some((pid) => pid !== leader), 5);
    await relays();
  });

  it('and when Redis is away for the leader alone, it leaves the queue to one that reaches it', async () => {
    const proxy = await cuttingProxy(redisUrl(26));
    const own = new RedisConnection(proxy.url, { name: 'relay', silenceMs: 500, logger: fixture.logger });
    try {
      await until('it reaches Redis', () => own.ready);
      fixture.startRelay(undefined, own);
      const leader = await until('it leads', async () => (await leaders())[0]);
      await relays();
      fixture.startRelay();
      await until('the other has asked', async () => (await followers()).some((pid) => pid !== leader));
      await proxy.close();
      // As after FLUSHALL: until a leader looks, nobody hands over anything.
      await fixture.redis.flushdb();
      await until('the other leads', async () => (await leaders()).some((pid) => pid !== leader), 15);
      expect(await leaders()).toHaveLength(1);
      await relays();
    } finally {
      own.close();
    }
  });

  it('for each queue of its own, among the workers of several processes', async () => {
    const options = { postgres: { connectionString: fixture.url }, redisUrl: redisUrl(26), logger: fixture.logger };
    const processes = [createTasks(options), createTasks(options)];
    const handlers = [handle(note, () => Promise.resolve())];
    const start = (index: number, queues: string[]): Promise<unknown> =>
      processes[index]!.startWorker({ handlers, queues: queues.map((name) => ({ name })) });
    try {
      await start(0, ['default']);
      const [first] = await until('the first leads', async () => (await leaders()).length === 1 && leaders());
      await start(1, ['default', 'mail']);
      const both = await until('both queues are led', async () => (await leaders()).length === 2 && leaders());
      expect(new Set(both).size).toBe(2);
      expect(both).toContain(first);
    } finally {
      await Promise.all(processes.map((tasks) => tasks.close()));
    }
    expect(await leaders()).toEqual([]);
  });
});
