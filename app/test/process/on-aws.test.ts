import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../../local/servers/free-port';
import { eventually } from '../http/test-app';
import { embeddedMetricMistakes } from '../metrics/embedded-metric-format';
import { createDatabase, redisUrl } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { testFolder } from '../servers/private-servers';
import { startFakeAgent } from './ecs-agent';
import { killEntryPoints, line, runEntryPoint } from './entry-point';
import type { Running } from './entry-point';

const TOKEN = 'a-token-for-tests-0123';
/** Seconds that an Application Load Balancer keeps an idle connection by default. */
const BALANCER_IDLE_SECONDS = 60;

let database: TestDatabase;
let environment: Record<string, string>;
beforeAll(async () => {
  database = await createDatabase();
  // As the deployment hands them out: the addresses in plain, the secrets beside them.
  const address = new URL(database.url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  environment = {
    DATABASE_URL: address.href,
    DATABASE_PASSWORD: password,
    QUEUE_REDIS_URL: redisUrl(3),
    OBJECTS_URL: pathToFileURL(join(testFolder('objects'), 'store')).href,
    ADMIN_TOKEN: TOKEN,
    PROBES: 'on',
    LISTEN_HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    HEARTBEAT_SECONDS: '0.5',
    LEASE_SECONDS: '2',
  };
  expect(await runEntryPoint('migrate', environment).exit).toBe(0);
});
afterEach(killEntryPoints);
afterAll(() => database.drop());

async function startWeb(
  overrides: Record<string, string> = {},
): Promise<{ readonly web: Running; readonly url: string }> {
  const web = runEntryPoint('web', { ...environment, ...overrides });
  const { msg } = await line(web, /^web listening at /);
  return { web, url: String(msg).replace('web listening at ', '') };
}

describe('web', () => {
  test('is alive, and stops in order, while there is neither PostgreSQL nor Redis', async () => {
    const nobody = await freePort();
    const { web, url } = await startWeb({
      DATABASE_URL: `postgres://user@127.0.0.1:${nobody}/x`,
      QUEUE_REDIS_URL: `rediss://127.0.0.1:${nobody}`,
      QUEUE_REDIS_PASSWORD: 'secret-of-the-queue',
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    web.child.kill('SIGTERM');
    expect(await web.exit).toBe(0);
    expect(web.output()).not.toContain('secret-of-the-queue');
  });

  test('keeps idle connections longer than its load balancer does', async () => {
    const { url } = await startWeb();
    const agent = new Agent({ keepAlive: true });
    const announced = await new Promise<string>((resolve, reject) => {
      get(`${url}/healthz`, { agent }, (response) => {
        response.resume();
        resolve(String(response.headers['keep-alive']));
      }).on('error', reject);
    });
    agent.destroy();
    expect(Number(/^timeout=(\d+)$/.exec(announced)?.[1])).toBeGreaterThan(BALANCER_IDLE_SECONDS);
  });
});

describe('a worker', () => {
  test('is of its kind, and protected from scale-in while it is busy', async () => {
    const ecs = await startFakeAgent();
    ecs.serviceName = undefined;
    const { url } = await startWeb();
    const worker = runEntryPoint('worker', {
      ...environment,
      WORKER_KIND: 'images',
      SCALE_IN_PROTECTION: 'on',
      ECS_AGENT_URI: ecs.agentUri,
      ECS_CONTAINER_METADATA_URI_V4: ecs.metadataUri,
      AWS_REGION: 'us-east-1',
    });
    expect(await line(worker, /^worker started$/)).toMatchObject({ kind: 'images' });
    const accepted = await fetch(`${url}/api/probes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ count: 1, runMs: 2_000 }),
    });
    expect(accepted.status).toBe(202);
    await eventually(() => (ecs.isProtected ? true : undefined), 'it is protected');
    const kinds = await eventually(async () => {
      const { workers } = (await (await fetch(`${url}/api/queues`)).json()) as { workers: { kind: string }[] };
      return workers.length > 0 ? workers.map(({ kind }) => kind) : undefined;
    }, 'it is shown');
    expect(kinds).toEqual(['images']);
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);
    await ecs.close();
  });

  test('says so when it is to be protected and is no task of Amazon ECS', async () => {
    const worker = runEntryPoint('worker', { ...environment, SCALE_IN_PROTECTION: 'on', ECS_AGENT_URI: '' });
    const { level } = await line(worker, /^SCALE_IN_PROTECTION is on without ECS_AGENT_URI: /);
    expect(level).toBe('warn');
  });
});

test('the scheduler writes its metrics as lines of their own among the log', async () => {
  const scheduler = runEntryPoint('scheduler', {
    ...environment,
    METRICS_NAMESPACE: 'Holdfast/test',
    WORKER_KINDS: 'default=default,imports;images=images',
  });
  const written = await eventually(() => {
    const lines = scheduler
      .output()
      .split('\n')
      .filter((each) => each.includes('"_aws"'));
    return lines.length >= 3 ? lines : undefined;
  }, 'the metrics are written');
  for (const each of written) expect(embeddedMetricMistakes(each, Date.now())).toEqual([]);
  expect(written.map((each) => Object.keys(JSON.parse(each) as object))).toEqual([
    ['_aws', 'WorkerKind', 'Backlog', 'OldestAgeSeconds', 'RunningWorkers', 'BacklogPerWorker'],
    ['_aws', 'WorkerKind', 'Backlog', 'OldestAgeSeconds', 'RunningWorkers', 'BacklogPerWorker'],
    ['_aws', 'DeadTasks', 'UnclaimableTasks', 'SchedulerBeat'],
  ]);
  scheduler.child.kill('SIGTERM');
  expect(await scheduler.exit).toBe(0);
});
