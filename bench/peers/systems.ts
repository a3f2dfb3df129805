import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { migrate } from '../../app/src/tasks';
import { packageVersion } from '../environment';
import { bullmqConnection } from '../tasks/bullmq';
import { BULLMQ_QUEUE, BULLMQ_STATES } from './programs/bullmq';
import type { System } from './system';

const PROGRAMS = join(__dirname, 'programs');
const ROOT = join(__dirname, '../..');
const PYTHON = join(ROOT, '.holdfast-tools/venv/bin/python');

function node(system: string, role: string): readonly [string, ...string[]] {
  return [process.execPath, '--import', 'tsx', join(PROGRAMS, 'node.ts'), system, role];
}

export const holdfast: System = {
  id: 'holdfast',
  name: 'Holdfast',
  version: '',
  settings: ['every option of the engine is the default (lease 15 s)'],
  prepare: async ({ postgresUrl }) => {
    await migrate({ connectionString: postgresUrl });
  },
  command: (role) => node('holdfast', role),
  pending: async (_, pool) => {
    const answer = await pool.query<{ count: number }>(
      'select count(*)::int as count from holdfast.task where finished_at is null',
    );
    return answer.rows[0]?.count ?? 0;
  },
  failed: async (_, pool) => {
    const dead = await pool.query<{ key: number }>(
      `select (payload ->> 'key')::int as key from holdfast.task where dead_reason is not null`,
    );
    return dead.rows.map(({ key }) => key);
  },
};

export const bullmq: System = {
  id: 'bullmq',
  name: 'BullMQ',
  version: packageVersion('bullmq'),
  settings: [
    'worker: maxRetriesPerRequest null; lockDuration 10 s, stalledInterval 5 s, maxStalledCount 1,000 (defaults: 30 s, 30 s, 1)',
    'producer: enableOfflineQueue false; attempts 3 with exponential backoff, removeOnComplete 1,000',
  ],
  prepare: () => Promise.resolve(),
  command: (role) => node('bullmq', role),
  pending: ({ redisUrl }) =>
    askingQueue(redisUrl, async (queue) => {
      const counts = await queue.getJobCounts(...BULLMQ_STATES);
      return Object.values(counts).reduce((sum, each) => sum + each, 0);
    }),
  failed: ({ redisUrl }) =>
    askingQueue(redisUrl, async (queue) => (await queue.getFailed()).map(({ data }) => data.key)),
};

async function askingQueue<T>(
  redisUrl: string,
  ask: (queue: Queue<{ readonly key: number }>) => Promise<T>,
): Promise<T> {
  const queue = new Queue<{ readonly key: number }>(BULLMQ_QUEUE, { connection: bullmqConnection(redisUrl) });
  queue.on('error', () => undefined);
  try {
    return await ask(queue);
  } finally {
    await queue.close();
  }
}

/** The queue and what was taken from it and not acknowledged, as Celery's transport for Redis keeps them. */
const CELERY_QUEUE = 'celery';
const CELERY_UNACKED = 'unacked';

/**
 * Celery in a Python environment of the project's own.
 * @throws Error with one sentence when it cannot be had on this machine.
 */
export function celery(): System {
  try {
    execFileSync(join(ROOT, 'scripts/python-tools.sh'), { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    throw new Error(stderr?.trim().split('\n').at(-1) ?? String(error), { cause: error });
  }
  const version = execFileSync(PYTHON, ['-c', 'import celery, kombu; print(celery.__version__, kombu.__version__)'], {
    encoding: 'utf8',
  });
  const [own, kombu] = version.trim().split(' ');
  const python = (...parameters: string[]) => [PYTHON, ...parameters] as const;
  return {
    id: 'celery',
    name: 'Celery',
    version: `${own} (kombu ${kombu})`,
    settings: [
      'acks_late, task_reject_on_worker_lost, failures retried 3 times, prefetch multiplier 1, no result backend, prefork',
      'visibility_timeout 30 s (its default is 1 h, which this run could not wait for), looked at every 10 s',
      'publish retries are the default; publisher confirms do not exist over Redis',
    ],
    prepare: () => Promise.resolve(),
    command: (role) =>
      role === 'producer'
        ? python(join(PROGRAMS, 'celery_producer.py'))
        : python('-m', 'celery', '-A', 'celery_app', '--workdir', PROGRAMS, 'worker', '--loglevel', 'WARNING'),
    pending: async ({ redisUrl }) => {
      const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
      redis.on('error', () => undefined);
      try {
        return (await redis.llen(CELERY_QUEUE)) + (await redis.hlen(CELERY_UNACKED));
      } finally {
        redis.disconnect();
      }
    },
    // Celery keeps no list of them: what failed for good is a line in a worker's log.
    failed: () => Promise.resolve([]),
  };
}
