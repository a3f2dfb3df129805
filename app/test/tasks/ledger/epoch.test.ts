import { handle, newLedgerEpoch } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { createDatabase, redisUrl } from '../../servers/databases';
import { dispatchFixture, note } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { until } from '../support/until';

describe('a ledger restored from an earlier backup while Redis is newer', () => {
  let fixture: DispatchFixture;
  let tasks: Tasks | undefined;
  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(45) });
  });
  afterEach(async () => {
    await tasks?.close();
    await fixture.close();
  });

  it('gets a new epoch: no foreign id runs, and no key collides', async () => {
    const before = await fixture.insert(2);
    await fixture.finish(before);
    // What comes after the backup: accepted, handed over, and lost with the restore.
    await fixture.look();
    const after = await fixture.insert(3);
    await fixture.look();
    expect(await fixture.list()).toEqual(after);
    const oldKeys = (await fixture.redis.keys(`{holdfast:${fixture.epoch}}*`)).sort();
    await fixture.rows('delete from holdfast.task where id > $1', [before[1]]);
    await fixture.rows(`alter table holdfast.task alter column id restart with ${Number(before[1]) + 1}`);

    const epoch = await newLedgerEpoch({ connectionString: fixture.url });
    expect(epoch).toMatch(/^[0-9a-f]{12}$/);
    expect(epoch).not.toBe(fixture.epoch);

    // The processes that are started now give the same ids out again, to other tasks.
    tasks = openEngine(fixture, redisUrl(45));
    const engine = tasks;
    await until('Redis answers', () => engine.redisReachable());
    const ran: number[] = [];
    let given = 0;
    const run = handle(note, ({ payload }) => Promise.resolve(void ran.push(payload.n)));
    await tasks.startWorker({ handlers: [run], queues: [{ name: 'default' }] });
    await until('the lists are served', async () => {
      await engine.accept(note, { n: (given += 1) });
      return engine.metrics()['claimedFromRedis']! > 0;
    });
    const accepted = await fixture.rows<{ id: string }>('select id from holdfast.task where id > $1', [before[1]]);
    await until('all have run', () => ran.length === accepted.length);
    expect(accepted.map(({ id }) => id)).toEqual(expect.arrayContaining(after.slice(0, 1)));
    expect([...ran].sort()).toEqual(Array.from({ length: given }, (_, i) => i + 1).sort());
    expect(await fixture.list()).toEqual(after);
    expect((await fixture.redis.keys(`{holdfast:${fixture.epoch}}*`)).sort()).toEqual(oldKeys);
    await fixture.redis.del(...oldKeys);
  });

  it('can have no new epoch before it is migrated', async () => {
    const database = await createDatabase();
    await expect(newLedgerEpoch({ connectionString: database.url })).rejects.toMatchObject({ code: '42P01' });
    await database.drop();
  });
});
