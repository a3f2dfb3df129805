import { redisUrl } from '../../servers/databases';
import { countedWorker } from '../support/counted-worker';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

const URGENT = { ...NOTES, priority: 0 };
const CONCURRENCY = 4;

/** What may come out of a list that is no id of a task that can be claimed. */
const INVENTED = [
  ...['', ' ', 'abc', '-1', '0', '007', '1.5', '1e3', '0x10', '1; drop table holdfast.task', '{1,2}', 'NaN', '\u0000'],
  ...['999999999', '9223372036854775807', '9223372036854775808', '9'.repeat(400)],
];

describe('nothing is lost and nothing runs twice when somebody changes the lists:', () => {
  let fixture: DispatchFixture;
  const normal = (): string => fixture.keys.list(NOTES);
  const urgent = (): string => fixture.keys.list(URGENT);

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(27) });
  });
  afterEach(() => fixture.close());

  const changes: [what: string, change: () => Promise<unknown>][] = [
    ['one is deleted', () => fixture.redis.del(normal())],
    ['everything is deleted', async () => fixture.redis.del(await fixture.redis.keys(`{holdfast:${fixture.epoch}}*`))],
    ['one is renamed', () => fixture.redis.rename(normal(), `${normal()}-elsewhere`)],
    ['one is renamed to another', () => fixture.redis.rename(normal(), urgent())],
    ['ids are duplicated', async () => fixture.redis.rpush(normal(), ...(await idsOfAll()), ...(await idsOfAll()))],
    [
      'ids are put in front again, also of tasks that run',
      async () => fixture.redis.lpush(urgent(), ...(await idsOfAll())),
    ],
    ['ids are invented', () => fixture.redis.lpush(urgent(), ...INVENTED)],
    [
      'one is full of invented ids',
      () => fixture.redis.lpush(normal(), ...Array.from({ length: 100 }, (_, i) => `1000${i}`)),
    ],
    [
      'the order is reversed',
      async () => {
        const ids = await fixture.list();
        await fixture.redis.del(normal());
        await fixture.redis.rpush(normal(), ...ids.reverse());
      },
    ],
    ['a text is in the place of one', () => fixture.redis.set(normal(), 'a text')],
    [
      'a set is in the place of one',
      async () => {
        await fixture.redis.del(urgent());
        await fixture.redis.sadd(urgent(), '1', '2');
      },
    ],
    [
      'a list is in the place of the generation',
      async () => {
        await fixture.redis.del(fixture.keys.generation('default'));
        await fixture.redis.rpush(fixture.keys.generation('default'), '1');
      },
    ],
    ['the generation is another', () => fixture.redis.set(fixture.keys.generation('default'), 'another')],
    ['a lane is marked as overflowing', () => fixture.redis.set(fixture.keys.overflow(NOTES), '1')],
  ];

  it.each(changes)('%s', async (_what, change) => {
    await fixture.insert(40);
    await fixture.insert(20, URGENT);
    await fixture.look();
    const worker = await countedWorker(fixture, CONCURRENCY);
    await until('all slots are taken', () => worker.begun() === CONCURRENCY);
    await change();
    worker.open();
    const all = await fixture.rows<{ uuid: string }>('select uuid from holdfast.task');
    expect(all).toHaveLength(60);
    await until('every task is done', async () => (await unfinished()) === 0, 20);
    expect(await worker.effects()).toEqual(Object.fromEntries(all.map(({ uuid }) => [uuid, [1]])));

    // And Redis is of use again: what is accepted now comes through it.
    const before = fixture.tasks.metrics().claimedFromRedis!;
    await until('a task comes through Redis', async () => {
      await fixture.tasks.accept(note, { n: 1 });
      return fixture.tasks.metrics().claimedFromRedis! > before;
    });
    await until('every task is done', async () => (await unfinished()) === 0);
    expect(Object.values(await worker.effects()).filter((attempts) => attempts.join() !== '1')).toEqual([]);
  });

  it('ids of tasks that are done, as in a list that came back from an old snapshot, are ignored and counted', async () => {
    const done = await fixture.insert(30);
    await fixture.finish(done);
    await fixture.insert(10);
    await fixture.look();
    await fixture.redis.lpush(normal(), ...done);
    const worker = await countedWorker(fixture, CONCURRENCY);
    worker.open();
    await until('the past is dropped', () => fixture.tasks.metrics().staleIds! >= done.length);
    await until('every task is done', async () => (await unfinished()) === 0);
    expect(Object.values(await worker.effects())).toEqual(Array(10).fill([1]));
  });

  const idsOfAll = async (): Promise<string[]> =>
    (await fixture.rows<{ id: string }>('select id from holdfast.task order by id')).map(({ id }) => id);
  const unfinished = async (): Promise<number> =>
    (await fixture.rows('select from holdfast.task where finished_at is null')).length;
});
