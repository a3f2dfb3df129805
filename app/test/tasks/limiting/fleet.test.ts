import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { redisUrl } from '../../servers/databases';
import { openEngine } from '../support/engines';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';

const narrow = defineTask({ name: 'narrow', payload: z.looseObject({}), queue: 'narrow' });
const wide = defineTask({ name: 'wide', payload: z.looseObject({}), queue: 'wide' });
const queues = [{ name: 'narrow' }, { name: 'wide' }];

let fixture: LedgerFixture;
const engines: Tasks[] = [];

beforeEach(async () => {
  fixture = await ledgerFixture();
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((tasks) => tasks.close()));
  await fixture.drop();
});

function open(redis: string | undefined): Tasks {
  const tasks = openEngine(fixture, redis);
  engines.push(tasks);
  return tasks;
}

async function unfinished(queue: string): Promise<number> {
  return (await fixture.rows('select from holdfast.task where finished_at is null and queue = $1', [queue])).length;
}

describe.each([
  ['without any Redis', undefined],
  ['with Redis', redisUrl(62)],
])('a fleet %s', (_, redis) => {
  it('never runs more of a limited queue than maxRunning, and always that many while there are', async () => {
    let running = 0;
    let most = 0;
    let begun = 0;
    const counted = handle(narrow, async () => {
      running += 1;
      begun += 1;
      most = Math.max(most, running);
      await fixture.rows('select pg_sleep(0.005)');
      running -= 1;
    });
    const tasks = open(redis);
    await tasks.limitQueue('narrow', { maxRunning: 3 });
    await tasks.acceptMany(narrow, Array(60).fill({}));
    for (let worker = 0; worker < 3; worker += 1) {
      await open(redis).startWorker({ handlers: [counted], queues, concurrency: 10 });
    }
    await until('all are done', async () => (await unfinished('narrow')) === 0);
    expect({ most, begun }).toEqual({ most: 3, begun: 60 });
  });

  it('starts at most so many in any window', async () => {
    const count = 4;
    const perSeconds = 0.4;
    const tasks = open(redis);
    await tasks.limitQueue('narrow', { rateLimit: { count, perSeconds } });
    await tasks.acceptMany(narrow, Array(14).fill({}));
    const quick = handle(narrow, () => Promise.resolve());
    for (let worker = 0; worker < 3; worker += 1) {
      await open(redis).startWorker({ handlers: [quick], queues });
    }
    await until('all are done', async () => (await unfinished('narrow')) === 0);
    const [window] = await fixture.rows<{ shortest: number }>(
      `select min(extract(epoch from later - started_at))::float8 as shortest from (
         select started_at, lead(started_at, $1) over (order by started_at) as later from holdfast.task
       ) as start`,
      [count],
    );
    expect(window!.shortest).toBeGreaterThanOrEqual(perSeconds);
  });

  it('gives a limited queue its slots beside one that has more than the workers can do, and the other way round', async () => {
    const doing = { narrow: 0, wide: 0 };
    const most = { narrow: 0, wide: 0 };
    const run = (queue: 'narrow' | 'wide') => async (): Promise<void> => {
      doing[queue] += 1;
      most[queue] = Math.max(most[queue], doing[queue]);
      await fixture.rows('select pg_sleep(0.002)');
      doing[queue] -= 1;
    };
    const tasks = open(redis);
    await tasks.limitQueue('narrow', { maxRunning: 20 });
    await tasks.acceptMany(wide, Array(3_000).fill({}));
    await tasks.acceptMany(narrow, Array(3_000).fill({}));
    const handlers = [handle(narrow, run('narrow')), handle(wide, run('wide'))];
    await open(redis).startWorker({ handlers, queues, concurrency: 4 });
    await until(
      'both go on',
      async () => (await unfinished('wide')) < 2_990 && (await unfinished('narrow')) < 2_990,
      30,
    );
    expect(doing.narrow + doing.wide).toBeLessThanOrEqual(4);
    await tasks.pauseQueue('narrow');
    await tasks.pauseQueue('wide');
    await until('nothing runs any more', () => doing.narrow + doing.wide === 0);
  });

  it('goes on within a second when the limit is raised or lifted', async () => {
    const release = gate();
    let begun = 0;
    const held = handle(narrow, () => {
      begun += 1;
      return release.opened;
    });
    const tasks = open(redis);
    await tasks.limitQueue('narrow', { maxRunning: 1 });
    await tasks.acceptMany(narrow, Array(10).fill({}));
    await open(redis).startWorker({ handlers: [held], queues });
    await until('one has begun', () => begun === 1);
    await tasks.limitQueue('narrow', { maxRunning: 4 });
    await until('as many as the new limit allows have begun', () => begun === 4, 2);
    await tasks.limitQueue('narrow', { maxRunning: null });
    await until('all have begun', () => begun === 10, 3);
    release.open();
  });
});

it('an ended task makes room at once for the next: nobody waits for the next look', async () => {
  const tasks = open(undefined);
  await tasks.limitQueue('narrow', { maxRunning: 1 });
  await tasks.acceptMany(narrow, Array(50).fill({}));
  await tasks.startWorker({ handlers: [handle(narrow, () => Promise.resolve())], queues });
  // By looks alone, four a second, it would take over twelve seconds.
  await until('all are done', async () => (await unfinished('narrow')) === 0, 9);
});
