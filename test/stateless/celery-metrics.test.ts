import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { freePort } from '../../app/local/servers/free-port';
import { startRedis } from '../../app/local/servers/redis-server';
import { METRICS, METRICS_PERIOD_SECONDS } from '../../app/src/contract';
import { resolveStage } from '../../lib/config';
import { CELERY_METRICS_SIZE } from '../../lib/config';
import { addCeleryMetrics } from '../../lib/stateless/celery-metrics';
import { changed } from '../observability/monitored-stage';

const root = join(__dirname, '..', '..');
const python = join(root, '.holdfast-tools', 'venv', 'bin', 'python');
const hasCelery = existsSync(python) && existsSync(join(root, '.holdfast-tools', 'venv', 'bin', 'celery'));
const onlyWithCelery = hasCelery ? describe : describe.skip;
if (!hasCelery) console.warn('Celery is not installed, its tests are skipped: scripts/python-tools.sh installs it.');

/** The scheduler's task with the measuring container, as a template. */
function template(queue: { readonly hashTaggedKeys?: true } = {}): { template: Template; command: string } {
  const configuration = resolveStage(changed('dev', { taskEngine: 'celery', redis: { queue } }), 'dev');
  const stack = new Stack(new App(), 'Stack');
  const taskDefinition = new ecs.Ec2TaskDefinition(stack, 'Task');
  const image = ecs.ContainerImage.fromRegistry('app:1');
  taskDefinition.addContainer('beat', { image, memoryLimitMiB: 128 });
  addCeleryMetrics(taskDefinition, {
    configuration,
    image,
    logGroup: new logs.LogGroup(stack, 'Logs'),
    queue: {
      host: 'queue.example',
      port: '6379',
      tls: true,
      connections: new ec2.Connections({ securityGroups: [] }),
      secret: new secretsmanager.Secret(stack, 'Token') as secretsmanager.ISecret,
    },
  });
  const written = Template.fromStack(stack);
  const [definition] = Object.values(written.findResources('AWS::ECS::TaskDefinition'));
  const { ContainerDefinitions } = definition!.Properties as {
    ContainerDefinitions: readonly { Name: string; Command: readonly [string] }[];
  };
  return { template: written, command: ContainerDefinitions.find(({ Name }) => Name === 'celery-metrics')!.Command[0] };
}

describe('the container beside beat', () => {
  const { template: written, command } = template();

  test('measures with the app’s image, and neither stops the schedules nor needs more than it says', () => {
    written.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: Match.arrayWith([
        Match.objectLike({
          Name: 'celery-metrics',
          Image: 'app:1',
          Essential: false,
          RestartPolicy: { Enabled: true, RestartAttemptPeriod: 60 },
          EntryPoint: ['python', '-c'],
          Cpu: CELERY_METRICS_SIZE.cpuUnits,
          Memory: CELERY_METRICS_SIZE.memoryMiB,
          ReadonlyRootFilesystem: true,
          User: '1000:1000',
          LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
          Environment: Match.arrayWith([
            { Name: 'QUEUE_REDIS_URL', Value: 'rediss://queue.example:6379' },
            { Name: 'METRICS_NAMESPACE', Value: 'Holdfast/holdfast-dev' },
            { Name: 'WORKER_KINDS', Value: 'default=default,imports,reminders,images,collect,probes' },
            { Name: 'METRICS_PERIOD_SECONDS', Value: String(METRICS_PERIOD_SECONDS) },
          ]),
          Secrets: [{ Name: 'QUEUE_REDIS_PASSWORD', ValueFrom: Match.anyValue() }],
        }),
      ]),
    });
  });

  test('looks for keys without a prefix, and for those of Redis in cluster mode where they are declared', () => {
    const prefixed = Match.arrayWith([
      Match.objectLike({
        Name: 'celery-metrics',
        Environment: Match.arrayWith([{ Name: 'CELERY_KEY_PREFIX', Value: '{celery}:' }]),
      }),
    ]);
    const definition = { ContainerDefinitions: prefixed };
    template({ hashTaggedKeys: true }).template.hasResourceProperties('AWS::ECS::TaskDefinition', definition);
    written.resourcePropertiesCountIs('AWS::ECS::TaskDefinition', definition, 0);
  });

  test('fits into a task definition, which takes 64 KiB', () => {
    expect(Buffer.byteLength(JSON.stringify(command))).toBeLessThan(16 * 1_024);
  });
});

interface Line {
  readonly _aws: { readonly Timestamp: number; readonly CloudWatchMetrics: readonly unknown[] };
  readonly WorkerKind?: string;
  readonly Backlog?: number;
  readonly RunningWorkers?: number;
  readonly BacklogPerWorker?: number;
  readonly SchedulerBeat?: number;
}

onlyWithCelery.each([
  { title: 'keys without a prefix', prefix: '', settings: {} },
  { title: 'keys of cluster mode', prefix: '{celery}:', settings: { CELERY_KEY_PREFIX: '{celery}:' } },
])('with a real Redis and a real worker, $title', ({ prefix, settings }) => {
  const password = 'p@ss/w:rd';
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-celery-'));
  const processes: ChildProcess[] = [];
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let address: string;
  let broker: string;
  let measuring: ChildProcess;
  let lines: Line[] = [];

  const start = (program: string, parameters: readonly string[], environment: NodeJS.ProcessEnv) => {
    const child = spawn(program, parameters, {
      cwd: __dirname,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', KEY_PREFIX: prefix, ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    processes.push(child);
    return child;
  };
  const inPython = (code: string) =>
    execFileSync(
      python,
      [
        '-c',
        `import importlib.util as u\ns=u.spec_from_file_location('a','celery-app.py'); a=u.module_from_spec(s); s.loader.exec_module(a)\n${code}`,
      ],
      {
        cwd: __dirname,
        env: { ...process.env, BROKER: broker, KEY_PREFIX: prefix, PYTHONDONTWRITEBYTECODE: '1' },
      },
    );
  const startWorker = (name: string, queues: string) =>
    start(
      python,
      [
        '-c',
        'import sys; sys.path.insert(0, "."); exec(open("celery-app.py").read()); app.worker_main(sys.argv[1:])',
        'worker',
        '--pool=threads',
        '--concurrency=2',
        '--prefetch-multiplier=1',
        '--without-gossip',
        `--hostname=${name}@test`,
        `--queues=${queues}`,
      ],
      { BROKER: broker },
    );
  /** The next line of a kind that is as wanted. */
  const until = async (wanted: (line: Line) => boolean): Promise<Line> => {
    lines = [];
    const deadline = Date.now() + 45_000;
    for (;;) {
      const found = lines.find(wanted);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`not seen within 45 s; last were ${JSON.stringify(lines.slice(-4))}`);
      await Promise.race([once(measuring.stdout!, 'data'), once(measuring, 'exit')]);
    }
  };

  beforeAll(async () => {
    const port = await freePort();
    redis = await startRedis({
      directory: join(folder, 'redis'),
      port,
      policy: 'noeviction',
      maxMemoryMegabytes: 64,
      log: () => undefined,
    });
    address = `redis://127.0.0.1:${port}`;
    execFileSync(python, ['-c', `import redis; redis.Redis(port=${port}).config_set('requirepass', '${password}')`]);
    broker = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;
    inPython(
      [
        "[a.sleep.apply_async((600,), queue='default', priority=[0, 3, 5, 6, 9][i % 5]) for i in range(20)]",
        "[a.sleep.apply_async((600,), queue='imports') for _ in range(5)]",
        "[a.sleep.apply_async((600,), queue='images') for _ in range(7)]",
      ].join('\n'),
    );
    measuring = start(python, ['-c', template().command], {
      QUEUE_REDIS_URL: address,
      QUEUE_REDIS_PASSWORD: password,
      METRICS_NAMESPACE: 'Holdfast/test',
      WORKER_KINDS: 'default=default,imports;images=images',
      METRICS_PERIOD_SECONDS: '1',
      ...settings,
    });
    let rest = '';
    measuring.stdout!.on('data', (data: Buffer) => {
      const parts = (rest + data.toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((part) => JSON.parse(part) as Line));
    });
  });
  afterAll(async () => {
    for (const child of processes) {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    }
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('counts the messages of every priority while no worker runs', async () => {
    expect(await until(({ WorkerKind }) => WorkerKind === 'default')).toMatchObject({
      Backlog: 25,
      RunningWorkers: 0,
      BacklogPerWorker: 25,
    });
    expect(await until(({ WorkerKind }) => WorkerKind === 'images')).toMatchObject({ Backlog: 7, RunningWorkers: 0 });
  });

  test('writes what the app itself would write', async () => {
    const line = await until(({ WorkerKind }) => WorkerKind === 'images');
    const metrics = [METRICS.backlog, METRICS.runningWorkers, METRICS.backlogPerWorker];
    expect(line._aws.CloudWatchMetrics).toEqual([
      {
        Namespace: 'Holdfast/test',
        Dimensions: [[METRICS.dimension]],
        Metrics: metrics.map((Name) => ({ Name, Unit: 'Count' })),
      },
    ]);
    expect(Math.abs(Date.now() - line._aws.Timestamp)).toBeLessThan(60_000);
    const beat = await until(({ SchedulerBeat }) => SchedulerBeat === 1);
    expect(beat._aws.CloudWatchMetrics).toEqual([
      { Namespace: 'Holdfast/test', Dimensions: [[]], Metrics: [{ Name: METRICS.schedulerBeat, Unit: 'Count' }] },
    ]);
  });

  test('counts what workers hold to its own queue, and the workers by their queues', async () => {
    startWorker('one', 'default,imports');
    startWorker('two', 'images');
    const images = await until(({ WorkerKind, RunningWorkers }) => WorkerKind === 'images' && RunningWorkers === 1);
    expect(images).toMatchObject({ Backlog: 7, BacklogPerWorker: 7 });
    const others = await until(({ WorkerKind, RunningWorkers }) => WorkerKind === 'default' && RunningWorkers === 1);
    expect(others).toMatchObject({ Backlog: 25, BacklogPerWorker: 25 });
  });

  test('stops when it is asked to', async () => {
    measuring.kill('SIGTERM');
    const [code] = (await once(measuring, 'exit')) as [number];
    expect(code).toBe(0);
  });
});
