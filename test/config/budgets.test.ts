import { VARIABLES } from '../../app/src/configuration/variables';
import { CONNECTIONS_BEYOND_POOL } from '../../app/src/contract';
import reference from '../../holdfast.config';
import {
  connectionBudget,
  databasePoolSize,
  drainBudget,
  loadStage,
  maxConnections,
  resolveStage,
} from '../../lib/config';
import type { StageConfiguration } from '../../lib/config';
import { LARGEST_POOL, SMALLEST_POOL, plannedConnections } from '../../lib/config/connection-budget';
import { APP_DRAIN_LIMIT_SECONDS, CLOSING_SECONDS, SPOT_STOP_SECONDS } from '../../lib/config/drain-rules';
import { mistakesOf, production, shopWith } from './shop';

/** Whole numbers from `min` to `max` in an order that looks random and is the same in each run (a Lehmer generator). */
function numbers(seed: number): (min: number, max: number) => number {
  let state = seed;
  return (min, max) => {
    state = (state * 48_271) % 2_147_483_647;
    return min + (state % (max - min + 1));
  };
}

const RUNS = Array.from({ length: 300 }, (_, index) => index + 1);

function withWorker(worker: object, common: object = {}): StageConfiguration {
  return resolveStage(shopWith(common, { workers: { default: worker } }), 'production');
}

describe('the drain budget', () => {
  test('of the defaults breaks no rule, whatever the handlers need', () => {
    for (const seed of RUNS) {
      const next = numbers(seed);
      const configuration = withWorker(
        {
          handlerSeconds: next(1, APP_DRAIN_LIMIT_SECONDS - 10),
          onDrain: next(0, 1) === 0 ? 'finish' : 'give-back',
        },
        { web: { requestSeconds: next(1, 3_600) } },
      );
      expect(drainBudget(configuration).mistakes).toEqual([]);
    }
  });

  test('without a mistake is a chain in which each link outlasts the one before', () => {
    let proper = 0;
    for (const seed of RUNS) {
      const next = numbers(seed);
      const maybe = (key: string, max: number) => (next(0, 1) === 0 ? {} : { [key]: next(2, max) });
      const onDrain = next(0, 1) === 0 ? 'finish' : 'give-back';
      const configuration = withWorker(
        { handlerSeconds: next(1, 200), onDrain, ...maybe('drainSeconds', 250), ...maybe('stopTimeoutSeconds', 300) },
        {
          web: { ...maybe('requestSeconds', 60), ...maybe('deregistrationSeconds', 60), ...maybe('drainSeconds', 60) },
        },
      );
      const { budget, mistakes } = drainBudget(configuration);
      const { web } = budget;
      const worker = budget.workers['default']!;
      const holds =
        (onDrain === 'give-back' || worker.handlerSeconds < worker.drainSeconds) &&
        worker.drainSeconds + CLOSING_SECONDS <= worker.stopTimeoutSeconds &&
        web.drainSeconds + CLOSING_SECONDS <= web.stopTimeoutSeconds &&
        web.requestSeconds <= web.deregistrationSeconds + web.drainSeconds;
      expect(mistakes.length === 0).toBe(holds);
      if (holds) proper += 1;
    }
    expect(proper).toBeGreaterThan(30);
  });

  test('with the smallest value that a mistake names has that mistake no longer', () => {
    for (const seed of RUNS) {
      const next = numbers(seed);
      const worker = { handlerSeconds: next(1, 100), drainSeconds: next(1, 100), stopTimeoutSeconds: 7_000 };
      const [mistake] = drainBudget(withWorker(worker)).mistakes;
      if (mistake === undefined) continue;
      const drainSeconds = Number(/allowed is at least (\d+)/.exec(mistake)?.[1]);
      expect(drainBudget(withWorker({ ...worker, drainSeconds })).mistakes).toEqual([]);
      expect(drainBudget(withWorker({ ...worker, drainSeconds: drainSeconds - 1 })).mistakes).toHaveLength(1);
    }
  });

  test('gives tasks back where handlers outlast it, in seconds that Spot allows', () => {
    const { budget, mistakes } = drainBudget(
      withWorker(
        { handlerSeconds: 86_400, onDrain: 'give-back', spot: true },
        { fleet: { spot: { instanceTypes: ['t4g.medium'], max: 2 } } },
      ),
    );
    expect(mistakes).toEqual([]);
    expect(budget.workers['default']).toEqual({ handlerSeconds: 86_400, drainSeconds: 10, stopTimeoutSeconds: 20 });
    expect(budget.workers['default']!.stopTimeoutSeconds).toBeLessThanOrEqual(SPOT_STOP_SECONDS);
  });

  test('of the reference app lets its longest import finish', () => {
    const { drainBudget: budget } = loadStage(reference, 'production');
    expect(budget).toEqual({
      web: { requestSeconds: 30, deregistrationSeconds: 30, drainSeconds: 10, stopTimeoutSeconds: 20 },
      workers: { default: { handlerSeconds: 900, drainSeconds: 910, stopTimeoutSeconds: 920 } },
      scheduler: { drainSeconds: 10, stopTimeoutSeconds: 20 },
    });
  });
});

describe('a rollout', () => {
  test('of a protected kind takes one round, however long its containers take to stop', () => {
    const worker = { memoryMiB: 3_000, handlerSeconds: 3_000, scaling: { max: 6 }, databaseConnections: 11 };
    const room = { fleet: { max: 16 }, database: { instanceClass: 'm7g.large' } };
    expect(drainBudget(withWorker(worker, room)).mistakes).toEqual([]);
    expect(mistakesOf(shopWith(room, { workers: { default: worker } }))).toEqual([]);
  });

  test('of another takes as many as it has room for, with the fleet that the mistake names', () => {
    const worker = { memoryMiB: 3_000, handlerSeconds: 3_000, scaling: { max: 6 } };
    const of = (max: number) =>
      drainBudget(withWorker(worker, { taskEngine: 'custom', fleet: { max } })).mistakes.length;
    expect([9, 10, 11].map(of)).toEqual([1, 1, 0]);
  });
});

describe('the connection budget', () => {
  test('of the reference stages', () => {
    const of = (stage: string) => loadStage(reference, stage).connectionBudget;
    expect(of('dev')).toMatchObject({ connections: 80, maxConnections: 112, mistakes: [] });
    expect(of('production')).toEqual({
      maxConnections: 225,
      lines: [
        { process: 'web', containersAtMost: 4, overlap: 2, connectionsEach: 6, connections: 48 },
        { process: 'workers.default', containersAtMost: 4, overlap: 2, connectionsEach: 11, connections: 88 },
        { process: 'scheduler', containersAtMost: 1, overlap: 2, connectionsEach: 4, connections: 8 },
        { process: 'migration', containersAtMost: 1, overlap: 1, connectionsEach: 1, connections: 1 },
        { process: 'reserved', containersAtMost: 1, overlap: 1, connectionsEach: 3, connections: 3 },
      ],
      connections: 148,
      share: 148 / 225,
      mistakes: [],
    });
  });

  test('is refused exactly where the processes may open more than 80 % of the connections', () => {
    for (const seed of RUNS) {
      const next = numbers(seed);
      const configuration = withWorker({
        scaling: { max: next(1, 12) },
        databaseConnections: CONNECTIONS_BEYOND_POOL.worker + next(4, 20),
      });
      const { lines, connections, maxConnections: max, share, mistakes } = connectionBudget(configuration);
      expect(connections).toBe(lines.reduce((sum, line) => sum + line.connections, 0));
      expect(share).toBe(connections / max);
      expect(mistakes).toHaveLength(connections > plannedConnections(max) ? 1 : 0);
    }
  });

  test('plans for 80 %, rounded down', () => {
    expect([112, 225, 450].map(plannedConnections)).toEqual([89, 180, 360]);
  });

  test('lets a third generation that drains for long use what the plan leaves free', () => {
    const long = (databaseConnections: number) =>
      connectionBudget(withWorker({ handlerSeconds: 900, databaseConnections })).mistakes;
    expect(long(31)).toEqual([]);
    expect(long(32)).toHaveLength(1);
    expect(connectionBudget(withWorker({ handlerSeconds: 880, databaseConnections: 32 })).mistakes).toEqual([]);
  });

  test('holds with the next class that a mistake names', () => {
    const [mistake = ''] = connectionBudget(withWorker({ scaling: { max: 30 } })).mistakes;
    const instanceClass = /take instanceClass '([^']+)'/.exec(mistake)?.[1];
    expect(instanceClass).toBe('t4g.large');
    expect(connectionBudget(withWorker({ scaling: { max: 30 } }, { database: { instanceClass } })).mistakes).toEqual(
      [],
    );
  });

  test('gives the pool what the task engine does not open beside it', () => {
    const { configuration } = production();
    expect(databasePoolSize(configuration, 'worker', 11)).toBe(4);
    expect(databasePoolSize(configuration, 'web', 6)).toBe(6);
    expect(databasePoolSize({ ...configuration, taskEngine: 'celery' }, 'worker', 11)).toBe(11);
  });

  test('counts one scheduler in a rollout of another engine, which must not run two', () => {
    const { connectionBudget: budget } = production({ taskEngine: 'celery' });
    expect(budget.lines.find(({ process }) => process === 'scheduler')?.overlap).toBe(1);
  });
});

test.each([
  ['t4g.micro', 112],
  ['t4g.small', 225],
  ['t4g.medium', 450],
  ['m7g.large', 901],
  ['r7g.4xlarge', 5_000],
  ['t4g.nano', undefined],
  ['x9.huge', undefined],
])('max_connections of %s are %s', (instanceClass, connections) => {
  expect(maxConnections(instanceClass)).toBe(connections);
});

test('the limits that the app has itself are those of its variables', () => {
  const takes = (variable: 'drainSeconds' | 'databasePoolSize', value: number) =>
    VARIABLES[variable].safeParse(String(value)).success;
  expect([APP_DRAIN_LIMIT_SECONDS, APP_DRAIN_LIMIT_SECONDS + 1].map((value) => takes('drainSeconds', value))).toEqual([
    true,
    false,
  ]);
  const pools = [SMALLEST_POOL - 1, SMALLEST_POOL, LARGEST_POOL, LARGEST_POOL + 1];
  expect(pools.map((value) => takes('databasePoolSize', value))).toEqual([false, true, true, false]);
});
