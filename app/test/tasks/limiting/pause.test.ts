import { redisUrl } from '../../servers/databases';
import { handle } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { QueueSettings } from '../../../src/tasks/limiting/queue-settings';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { DisturbedLedger } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM } from '../support/statements';
import { workerRow } from '../support/task-rows';
import { until } from '../support/until';

const KINDS = ['note@1'];
const queues = [{ name: NOTES.queue }];

let fixture: DispatchFixture;

beforeEach(async () => {
  fixture = await dispatchFixture({ redisUrl: redisUrl(63) });
});
afterEach(() => fixture.close());

async function begun(): Promise<number> {
  return (await fixture.rows('select from holdfast.task where fence > 0')).length;
}

it.each([
  ['paused', (settings: QueueSettings) => settings.pause(NOTES.queue)],
  ['limited', (settings: QueueSettings) => settings.limit(NOTES.queue, { maxRunning: 1 })],
])('a queue that is %s while claims are on their way starts nothing by them', async (_, close) => {
  const ids = await fixture.insert(5);
  const ledger = new DisturbedLedger({ connectionString: fixture.url }, 15, recordingLogger());
  const claimer = new Claimer(ledger, KINDS, [NOTES.queue]);
  const worker = await workerRow(fixture, KINDS);
  const sent = gate();
  const asked: string[] = [];
  for (const statement of [CLAIM.by_id, CLAIM.oldest]) {
    ledger.before(statement, () => {
      asked.push(statement);
      return sent.opened;
    });
  }
  const claims = [claimer.byId(worker, ids), claimer.oldest(worker, [NOTES], 5)];
  expect(asked).toHaveLength(2);
  await close(new QueueSettings(ledger));
  sent.open();
  expect(await Promise.all(claims)).toEqual([[], []]);
  expect(await begun()).toBe(0);
  await ledger.close();
});

it('a pause stops the starts of workers that run, and resuming begins them again', async () => {
  let running = 0;
  const short = handle(note, async () => {
    running += 1;
    await fixture.rows('select');
    running -= 1;
  });
  await fixture.insert(4_000);
  await fixture.tasks.startWorker({ handlers: [short], queues, concurrency: 5 });
  await until('some have begun', async () => (await begun()) > 20);
  await fixture.tasks.pauseQueue(NOTES.queue);
  await until('nothing runs', () => running === 0);
  // What a claim brings that the pause overtook on its way ends first; from then on the number stays.
  const atRest = await until('nothing is running in the ledger', async () => {
    const [row] = await fixture.rows<{ begun: number; running: number }>(
      `select count(*) filter (where fence > 0)::int as begun, count(*) filter (where state = 'running')::int as running
       from holdfast.task`,
    );
    return row!.running === 0 && row!.begun;
  });
  const { queues: status } = await fixture.tasks.status();
  expect(status.find(({ name }) => name === NOTES.queue)?.pausedAt).toBeInstanceOf(Date);
  const looks = fixture.tasks.metrics().claimedFromPostgres;
  await until('a look of the relay emptied the lists', async () => (await fixture.list()).length === 0);
  expect(fixture.tasks.metrics().claimedFromPostgres).toBe(looks);
  expect(await begun()).toBe(atRest);

  await fixture.tasks.resumeQueue(NOTES.queue);
  await until('more have begun', async () => (await begun()) > atRest, 3);
});

it('ids of a limited queue that stand in Redis lists are not started from there', async () => {
  const release = gate();
  let begins = 0;
  const held = handle(note, () => {
    begins += 1;
    return release.opened;
  });
  const ids = await fixture.insert(10);
  await fixture.tasks.limitQueue(NOTES.queue, { maxRunning: 2 });
  await fixture.redis.rpush(fixture.keys.list(NOTES), ...ids);
  await fixture.tasks.startWorker({ handlers: [held], queues, concurrency: 10 });
  await until('as many as allowed have begun', () => begins === 2);
  await until('the relay has emptied the list', async () => (await fixture.list()).length === 0);
  // Once more, now that the worker leaves the lane out: nobody takes them but the relay, which throws them away.
  await fixture.redis.rpush(fixture.keys.list(NOTES), ...ids);
  await until('the relay has emptied the list', async () => (await fixture.list()).length === 0);
  expect(begins).toBe(2);
  expect(await begun()).toBe(2);
  expect(fixture.tasks.metrics().claimedFromRedis).toBe(0);
  release.open();
  await until('all have begun', () => begins === 10);
});

it('a resumed queue goes on in the ledger’s order: what was accepted during the pause overtakes nothing', async () => {
  await fixture.insert(5);
  await fixture.look();
  expect(await fixture.list()).toEqual(await fixture.due());

  await fixture.tasks.pauseQueue(NOTES.queue);
  // As a worker does that does not know of the pause yet: popped, refused by the ledger, gone from Redis.
  await fixture.redis.lpop(fixture.keys.list(NOTES), 3);
  await fixture.look();
  expect(await fixture.list()).toEqual([]);
  const { id } = await fixture.tasks.accept(note, { n: 1 });
  const [row] = await fixture.rows<{ id: string }>('select id from holdfast.task where uuid = $1', [id]);
  expect(await fixture.dispatch(row!.id)).toBe('left');
  await fixture.look();
  expect(await fixture.list()).toEqual([]);

  await fixture.tasks.resumeQueue(NOTES.queue);
  expect(await fixture.dispatch(row!.id)).toBe('left');
  await fixture.look();
  expect(await fixture.list()).toEqual(await fixture.due());
  expect(await fixture.list()).toHaveLength(6);
  const [last] = await fixture.insert(1);
  expect(await fixture.dispatch(last!)).toBe('pushed');
});
