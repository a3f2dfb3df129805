import { probe } from '../../src/probes/probe.task';
import { recentSamples, recordQueues } from '../../src/queues/queue-history';
import { eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('the history of queues', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.tasks.accept(probe, { runMs: 0, failTimes: 0 });
  });
  afterAll(() => test_.close());

  test('has one sample a half minute however many write it, and forgets what is older than a day', async () => {
    const { tasks, database } = test_;
    await database.query(
      `insert into app.queue_sample values (now() - interval '25 hours', 'old', 1, 1), (now() - interval '23 hours', 'kept', 1, 1)`,
    );
    const queues = await eventually(async () => {
      const found = (await tasks.status()).queues;
      return found.some(({ name }) => name === 'probes') ? found : undefined;
    }, 'the task is counted');
    await Promise.all([1, 2, 3].map(() => recordQueues(tasks, queues)));
    const samples = await recentSamples(database, 24 * 3600);
    expect([...samples.keys()]).toEqual(['kept', 'probes']);
    const probes = samples.get('probes') ?? [];
    // Two when half a minute ended in between.
    expect([1, 2]).toContain(probes.length);
    expect(probes[0]).toMatchObject({ backlog: 1, oldestAgeSeconds: expect.any(Number) as unknown });
    expect(probes[0]!.at.getTime() % 30_000).toBe(0);
    expect((await recentSamples(database, 3600)).has('kept')).toBe(false);
  });

  test('takes a fleet without queues', async () => {
    await expect(recordQueues(test_.tasks, [])).resolves.toBeUndefined();
  });
});
