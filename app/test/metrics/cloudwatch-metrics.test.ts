import { METRICS } from '../../src/contract';
import { publishMetrics } from '../../src/metrics/cloudwatch-metrics';
import type { CloudWatchMetricsOptions } from '../../src/metrics/cloudwatch-metrics';
import { probe } from '../../src/probes/probe.task';
import { probeHandler } from '../../src/probes/probe.handler';
import { createLogger } from '../../src/process/logger';
import { createTasks, migrate } from '../../src/tasks';
import type { Tasks } from '../../src/tasks';
import { eventually } from '../http/test-app';
import { createLedgerDatabase } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { startPrivatePostgres } from '../servers/private-servers';
import { embeddedMetricMistakes } from './embedded-metric-format';

const KINDS = [
  { name: 'default', queues: ['default', 'imports'] },
  { name: 'images', queues: ['images'] },
];
const logger = createLogger('test', 'silent', process.pid);
const later = () => new Date(Date.now() + 3_600_000);

/** Publishes once and stops. */
async function publishedOnce(
  tasks: Pick<Tasks, 'status' | 'get'>,
  options: Partial<CloudWatchMetricsOptions> = {},
): Promise<string[]> {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const publisher = publishMetrics({
    ...{ tasks, namespace: 'Holdfast/test', kinds: KINDS, leaseSeconds: 15, write, logger, periodSeconds: 3600 },
    ...options,
  });
  await publisher.stop();
  return lines;
}

const parse = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the metrics for CloudWatch', () => {
  let database: TestDatabase;
  let tasks: Tasks;
  beforeEach(async () => {
    database = await createLedgerDatabase();
    tasks = createTasks({ postgres: { connectionString: database.url }, logger });
  });
  afterEach(async () => {
    await tasks.close();
    await database.drop();
  });

  const accept = (queue: string, count: number, runAt?: Date) =>
    tasks.acceptMany(probe, Array(count).fill({ runMs: 0, failTimes: 0 }), { queue, ...(runAt && { runAt }) });

  test('are one line for each kind and one for all, in the embedded metric format', async () => {
    const lines = await publishedOnce(tasks);
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line.endsWith('}\n')).toBe(true);
      expect(embeddedMetricMistakes(line, Date.now())).toEqual([]);
    }
    const { _aws, ...all } = parse(lines)[2]!;
    expect(all).toEqual({ [METRICS.deadTasks]: 0, [METRICS.unclaimableTasks]: 0, [METRICS.schedulerBeat]: 1 });
    expect(_aws).toMatchObject({ CloudWatchMetrics: [{ Namespace: 'Holdfast/test', Dimensions: [[]] }] });
  });

  test('count what is due of the queues of each kind, and how long the oldest has waited', async () => {
    await accept('default', 3);
    await accept('imports', 4);
    await accept('default', 5, later());
    await accept('elsewhere', 6);
    await accept('images', 2, new Date(Date.now() - 60_000));
    const [def, images] = parse(await publishedOnce(tasks));
    expect(def).toMatchObject({ WorkerKind: 'default', Backlog: 7, RunningWorkers: 0, BacklogPerWorker: 7 });
    expect(images).toMatchObject({ WorkerKind: 'images', Backlog: 2 });
    expect(images!['OldestAgeSeconds']).toBeGreaterThanOrEqual(60);
    expect(images!['OldestAgeSeconds']).toBeLessThan(90);
  });

  test('count workers of the kind that take tasks: neither paused ones nor those that are silent', async () => {
    await accept('default', 9);
    const start = (kind: string) => tasks.startWorker({ handlers: [], queues: [{ name: 'images' }], kind });
    const [paused] = [await start('default'), await start('default'), await start('default'), await start('images')];
    const first = await publishedOnce(tasks);
    expect(parse(first)).toMatchObject([{ RunningWorkers: 3, BacklogPerWorker: 3 }, { RunningWorkers: 1 }, {}]);
    await paused.pause();
    await eventually(async () => {
      const [def] = parse(await publishedOnce(tasks));
      return def!['RunningWorkers'] === 2 ? true : undefined;
    }, 'the paused worker does not count');
    const [silent] = parse(await publishedOnce(tasks, { leaseSeconds: 0 }));
    expect(silent).toMatchObject({ RunningWorkers: 0, BacklogPerWorker: 9 });
  });

  test('count what needs a person in all queues: dead tasks and parked ones', async () => {
    await tasks.accept(probe, { runMs: 0, failTimes: 1 }, { queue: 'elsewhere', attempts: 1 });
    await tasks.accept(probe, { runMs: 0, failTimes: 1, outcome: 'external', onUnknown: 'park' }, { queue: 'images' });
    await tasks.startWorker({ handlers: [probeHandler()], queues: [{ name: 'elsewhere' }, { name: 'images' }] });
    await eventually(async () => {
      const lines = parse(await publishedOnce(tasks));
      return lines[2]?.[METRICS.deadTasks] === 2 ? true : undefined;
    }, 'the dead and the parked task are counted');
  });

  test('count what no worker can run: queues of no kind, and what no worker of a queue knows', async () => {
    await accept('elsewhere', 2);
    await accept('elsewhere', 3, later());
    await accept('images', 4);
    const [, , all] = parse(await publishedOnce(tasks));
    expect(all).toMatchObject({ [METRICS.unclaimableTasks]: 2 });
    const shelved = {
      status: async () => ({
        ...(await tasks.status()),
        unknownKinds: [{ kind: 'probe@2', queue: 'default', count: 5, oldestAgeSeconds: 60 }],
      }),
      get: (id: string) => tasks.get(id),
    };
    expect(parse(await publishedOnce(shelved))[2]).toMatchObject({ [METRICS.unclaimableTasks]: 7 });
  });

  test('are written again and again, never two at once', async () => {
    const lines: string[] = [];
    let under = 0;
    const slow: Pick<Tasks, 'status' | 'get'> = {
      status: async () => {
        under += 1;
        expect(under).toBe(1);
        const status = await tasks.status();
        under -= 1;
        return status;
      },
      get: (id) => tasks.get(id),
    };
    const publisher = publishMetrics({
      ...{ tasks: slow, namespace: 'x', kinds: KINDS, leaseSeconds: 15, logger, periodSeconds: 0.001 },
      write: (line) => void lines.push(line),
    });
    await eventually(() => (lines.length >= 9 ? true : undefined), 'three writings');
    await publisher.stop();
    const count = lines.length;
    expect(count % 3).toBe(0);
    expect(new Set(parse(lines).map((line) => line['WorkerKind']))).toEqual(new Set(['default', 'images', undefined]));
  });
});

test('are not written while PostgreSQL does not answer, although the counts are still fresh', async () => {
  const postgres = await startPrivatePostgres();
  await migrate({ connectionString: postgres.url });
  const tasks = createTasks({ postgres: { connectionString: postgres.url, connectionTimeoutMillis: 500 }, logger });
  const status = await tasks.status();
  const cached: Pick<Tasks, 'status' | 'get'> = { status: () => Promise.resolve(status), get: (id) => tasks.get(id) };
  const lines: string[] = [];
  const options = { namespace: 'x', kinds: KINDS, leaseSeconds: 15, logger, periodSeconds: 0.05 };
  const publisher = publishMetrics({ ...options, tasks: cached, write: (line) => void lines.push(line) });
  await eventually(() => (lines.length > 0 ? true : undefined), 'they are written');
  await postgres.stop();
  await expect(tasks.get('00000000-0000-0000-0000-000000000000')).rejects.toThrow();
  const before = lines.length;
  await expect(tasks.list()).rejects.toThrow();
  await expect(tasks.list()).rejects.toThrow();
  await publisher.stop();
  expect(lines.length).toBe(before);
  await postgres.restart();
  const after = publishMetrics({ ...options, tasks: cached, write: (line) => void lines.push(line) });
  await eventually(() => (lines.length > before ? true : undefined), 'they are written again');
  await after.stop();
  await tasks.close();
  await postgres.stop();
});

describe('the check of the format', () => {
  const good = {
    _aws: {
      Timestamp: 1_000,
      CloudWatchMetrics: [{ Namespace: 'x', Dimensions: [['K']], Metrics: [{ Name: 'a', Unit: 'Count' }] }],
    },
    K: 'k',
    a: 1,
  };
  test.each([
    ['nothing', {}, []],
    ['a missing value', { a: undefined }, ["the root's member a is a finite number"]],
    ['a text for a number', { a: '1' }, ["the root's member a is a finite number"]],
    ['a missing dimension', { K: undefined }, ["the root's member K is a text"]],
    ['no metadata', { _aws: undefined }, ['the root is an object with the member _aws']],
    [
      'seconds for milliseconds',
      { _aws: { ...good._aws, Timestamp: 0.5 } },
      ['Timestamp is a whole number of milliseconds since 1970'],
    ],
    [
      'an unknown unit',
      {
        _aws: {
          ...good._aws,
          CloudWatchMetrics: [{ ...good._aws.CloudWatchMetrics[0], Metrics: [{ Name: 'a', Unit: 'Tasks' }] }],
        },
      },
      ['a has a known unit'],
    ],
  ])('finds %s', (_, change, mistakes) => {
    expect(embeddedMetricMistakes(`${JSON.stringify({ ...good, ...change })}\n`, 2_000)).toEqual(mistakes);
  });
});
