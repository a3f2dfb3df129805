import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import {
  DescribeSnapshotsCommand,
  ElastiCacheClient,
  ModifyReplicationGroupCommand,
} from '@aws-sdk/client-elasticache';
import { DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { waitUntil } from '../../app/local/servers/wait-until';
import { emulatedAwsMissing, startEmulatedAws } from '../../app/test/servers/emulated-aws';
import type { EmulatedAws } from '../../app/test/servers/emulated-aws';
import { testFolder } from '../../app/test/servers/private-servers';
import { resolveStage } from '../../lib/config';
import { rolledBackWarning } from '../../lib/rolled-back';
import configuration from './shop/holdfast.config';
import { holdfast, json, ROOT, startHoldfast, tooLong } from './support/holdfast';
import type { Ended, InProcess } from './support/holdfast';
import { makeStage } from './support/stage-records';
import type { SecretArns } from './support/stage-records';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const STAGE = ['--config', CONFIG, '--stage', 'test'];
const WAIT = { limitSeconds: 30, everyMilliseconds: 100 };
const region = 'us-east-1';

/** Answers some commands in the emulator's place; those that `answer` leaves undefined go there. */
function answering(
  { prototype }: { readonly prototype: { send(command: object): Promise<unknown> } },
  answer: (command: object) => object | undefined,
): jest.SpyInstance {
  const send = Reflect.get(prototype, 'send');
  return jest.spyOn(prototype, 'send').mockImplementation(function (this: unknown, command) {
    const given = answer(command);
    return given === undefined ? send.call(this, command) : Promise.resolve(given);
  });
}

/** What ministack keeps without a container engine: records, whose changes are what is tested here. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast on a stage in an emulated AWS', () => {
  let aws: EmulatedAws;
  let arns: SecretArns;
  let ecs: ECSClient;
  let quotas: Promise<Ended>;

  /** What stands behind -- is the command's own. */
  const onStage = ([command = '', ...words]: readonly string[], options: InProcess = {}): Promise<Ended> =>
    holdfast([command, ...STAGE, ...words], options);

  beforeAll(async () => {
    aws = await startEmulatedAws({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    Object.assign(process.env, aws.environment, { AWS_EC2_METADATA_DISABLED: 'true', HOLDFAST_SETTLE_SECONDS: '0' });
    // It takes many seconds to say for the first time that it has none, which doctor asks for.
    quotas = holdfast(['doctor', ...STAGE]);
    arns = await makeStage(region);
    ecs = new ECSClient({ region });
  });

  afterAll(async () => {
    await quotas;
    await aws.stop();
  });

  describe('secrets', () => {
    const valueOf = async (arn: string) =>
      (await new SecretsManagerClient({ region }).send(new GetSecretValueCommand({ SecretId: arn }))).SecretString;

    it('lists them with their readers, and no value', async () => {
      const told = await onStage(['secrets', 'list']);
      expect(told).toMatchObject({ exitCode: 0, errors: '' });
      expect(told.output).toMatch(/^admin-token +\d+ s ago +web$/m);
      expect(told.output).toMatch(/^queue +\d+ s ago +web, worker-default$/m);
      expect(told.output).not.toContain('first');
      expect(tooLong(told.output)).toEqual([]);
      const { secrets } = json(await onStage(['secrets', 'list', '--json'])) as { secrets: { name: string }[] };
      expect(secrets.map(({ name }) => name)).toEqual(['database', 'queue', 'admin-token']);
    });

    it('sets one from standard input and replaces the containers that read it', async () => {
      const told = await onStage(['secrets', 'set', 'admin-token', '--yes', '--json'], {
        input: 'a-token-by-hand-123\n',
      });
      expect(told.exitCode).toBe(0);
      expect(json(told)).toEqual({ secret: 'admin-token', replaced: ['web'] });
      expect(await valueOf(arns['admin-token'])).toBe('a-token-by-hand-123');
      expect(`${told.output}${told.errors}`).not.toContain('by-hand');
    });

    it('refuses a value that the app would refuse, and changes nothing', async () => {
      const told = await onStage(['secrets', 'set', 'admin-token', '--yes'], { input: 'short' });
      expect(told).toMatchObject({ exitCode: 2, output: '' });
      expect(await valueOf(arns['admin-token'])).toBe('a-token-by-hand-123');
    });

    it('rotates the token of the queue', async () => {
      const told = await onStage(['secrets', 'rotate', 'queue', '--yes']);
      expect(told.exitCode).toBe(0);
      expect(told.output).toContain('The containers of web, worker-default are replaced');
      const token = await valueOf(arns.queue);
      expect(token).toMatch(/^[A-Za-z0-9]{64}$/);
      expect(`${told.output}${told.errors}`).not.toContain(token);
    });

    describe('when a rotation was interrupted', () => {
      const client = () => new SecretsManagerClient({ region });
      const stagesOf = async (SecretId: string) =>
        (await client().send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {};

      /** Leaves a value as a run before has. @returns the version. */
      const leave = async (SecretId: string, SecretString: string, VersionStages: string[]) => {
        const put = new PutSecretValueCommand({ SecretId, SecretString, VersionStages });
        return (await client().send(put)).VersionId ?? '';
      };

      /** Runs the rotation and tells the strategies of what it asks of ElastiCache. */
      const strategies = async () => {
        const send = jest.spyOn(ElastiCacheClient.prototype, 'send');
        try {
          expect((await onStage(['secrets', 'rotate', 'queue', '--yes'])).exitCode).toBe(0);
          return send.mock.calls.flatMap(([command]) =>
            command instanceof ModifyReplicationGroupCommand ? command.input.AuthTokenUpdateStrategy : [],
          );
        } finally {
          send.mockRestore();
        }
      };

      it('does not rotate a token again that the server has', async () => {
        const version = await leave(arns.queue, 'left-after-rotate', ['AWSPENDING', 'HOLDFAST_ROTATED']);
        expect(await strategies()).toEqual(['SET']);
        expect(await valueOf(arns.queue)).toBe('left-after-rotate');
        expect((await stagesOf(arns.queue))[version]).toEqual(['AWSCURRENT']);
      });

      it('keeps the token that new containers may have already', async () => {
        const version = await leave(arns.queue, 'left-after-promote', ['AWSPENDING', 'HOLDFAST_ROTATED']);
        const [current] = Object.entries(await stagesOf(arns.queue)).find(([, of]) => of.includes('AWSCURRENT'))!;
        const move = { MoveToVersionId: version, RemoveFromVersionId: current };
        await client().send(
          new UpdateSecretVersionStageCommand({ SecretId: arns.queue, VersionStage: 'AWSCURRENT', ...move }),
        );
        expect(await strategies()).toEqual(['SET']);
        expect(await valueOf(arns.queue)).toBe('left-after-promote');
        expect((await stagesOf(arns.queue))[version]).toEqual(['AWSCURRENT']);
      });

      it('rotates a token that was only written down, and the next time makes another', async () => {
        await leave(arns.queue, 'left-before-rotate', ['AWSPENDING']);
        expect(await strategies()).toEqual(['ROTATE', 'SET']);
        expect(await valueOf(arns.queue)).toBe('left-before-rotate');
        expect(await strategies()).toEqual(['ROTATE', 'SET']);
        expect(await valueOf(arns.queue)).toMatch(/^[A-Za-z0-9]{64}$/);
      });

      it('goes on with the password that the database was given', async () => {
        await leave(arns.database, JSON.stringify({ username: 'app', password: 'left' }), ['AWSPENDING']);
        expect((await onStage(['secrets', 'rotate', 'database', '--yes'])).exitCode).toBe(0);
        expect(JSON.parse((await valueOf(arns.database)) ?? '')).toEqual({ username: 'app', password: 'left' });
        expect(
          Object.values(await stagesOf(arns.database))
            .flat()
            .sort(),
        ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      });
    });
  });

  describe('rollback', () => {
    const runs = async (service: string) => {
      const { services } = await ecs.send(new DescribeServicesCommand({ cluster: 'shop-test', services: [service] }));
      return services?.[0]?.taskDefinition ?? '';
    };
    const imageOf = async (taskDefinition: string) =>
      (await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition?.containerDefinitions?.[0]
        ?.image;
    const stage = resolveStage(configuration, 'test');

    it('asks first', async () => {
      const told = await onStage(['rollback']);
      expect(told).toMatchObject({ exitCode: 2, output: '' });
      expect(told.errors).toMatch(/web 1 instead of 2 .*add --yes/);
    });

    it('runs the versions before, and says so wherever somebody looks', async () => {
      expect(await rolledBackWarning(stage)).toBeUndefined();
      const told = await onStage(['rollback', 'web', '--yes']);
      expect(told.exitCode).toBe(0);
      expect(told.output).toContain('web runs what revision 1 was, as 3, instead of 2.');
      expect(tooLong(told.output)).toEqual([]);
      // As after an interruption: the rest is rolled back.
      expect(json(await onStage(['rollback', '--yes', '--json']))).toEqual({
        stage: 'test',
        rolledBack: [{ process: 'worker-default', from: '2', to: '3', sameAs: '1' }],
      });
      expect(await runs('web')).toMatch(/shop-test-web:3$/);
      expect(await imageOf(await runs('worker-default'))).toBe('example.com/shop:1');

      expect((await onStage(['status'])).output).toMatch(/^web +1 of 1 +3, rolled back +complete$/m);
      expect((await onStage(['doctor'])).output).toContain('revision 3 runs instead of 2');
      expect(await rolledBackWarning(stage)).toContain('web, worker-default of stage test');
      const again = await onStage(['rollback', '--yes']);
      expect(again.exitCode).toBe(2);
      expect(again.errors).toContain('web is rolled back already, from revision 2 to 3');
    });

    it('goes to a revision that is named', async () => {
      const told = await onStage(['rollback', 'web', '--to', '2', '--yes', '--json']);
      expect(json(told)).toEqual({
        stage: 'test',
        rolledBack: [{ process: 'web', from: '2', to: '4', sameAs: '2' }],
      });
    });

    it('names the process that has no such revision', async () => {
      const told = await onStage(['rollback', 'web', '--to', '999', '--yes']);
      expect(told).toMatchObject({ exitCode: 4, output: '' });
      expect(told.errors).toMatch(/^web has no revision 999: .*\n$/);
    });

    it('runs what was deployed again', async () => {
      const told = await onStage(['rollback', '--undo', '--yes']);
      expect(told.exitCode).toBe(0);
      expect(await runs('web')).toMatch(/shop-test-web:2$/);
      expect(await runs('worker-default')).toMatch(/shop-test-worker-default:2$/);
      expect(await rolledBackWarning(stage)).toBeUndefined();
      expect((await onStage(['rollback', '--undo', '--yes'])).exitCode).toBe(4);
    });
  });

  describe('run', () => {
    const untilTask = () =>
      waitUntil(
        'the task is there',
        async () =>
          (await ecs.send(new ListTasksCommand({ cluster: 'shop-test', startedBy: 'holdfast-run' }))).taskArns?.[0],
        WAIT,
      );

    it('prints what the command writes, and ends with its exit code', async () => {
      const running = onStage(['run', '--process', 'worker-default', '--', 'node', '-e', 'console.log(1)']);
      const task = await untilTask();
      const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: 'shop-test', tasks: [task] }));
      expect(tasks?.[0]?.overrides?.containerOverrides).toEqual([
        { name: 'worker-default', command: ['node', '-e', 'console.log(1)'] },
      ]);
      const at = {
        logGroupName: '/shop/test/worker-default',
        logStreamName: `shop/worker-default/${task.split('/').at(-1)}`,
      };
      const logs = new CloudWatchLogsClient({ region });
      await logs.send(new CreateLogStreamCommand(at));
      const logEvents = ['first', 'second'].map((message, index) => ({ message, timestamp: Date.now() + index }));
      await logs.send(new PutLogEventsCommand({ ...at, logEvents }));
      await ecs.send(new StopTaskCommand({ cluster: 'shop-test', task }));
      const told = await running;
      expect(told.output).toBe('first\nsecond\n');
      expect(told.errors).toContain('Ended with exit code 0.');
      expect(told.exitCode).toBe(0);
    });

    it('stops the task at Ctrl-C', async () => {
      const running = startHoldfast(['run', ...STAGE, '--', 'sleep', '60']);
      const task = await untilTask();
      running.process.kill('SIGINT');
      const told = await running.ended;
      expect(told.exitCode).toBe(130);
      expect(told.errors).toContain('is stopped');
      const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: 'shop-test', tasks: [task] }));
      expect(tasks?.[0]?.lastStatus).toBe('STOPPED');
    });

    it('names the processes that there are', async () => {
      const told = await onStage(['run', '--process', 'wrker-default', '--', 'true']);
      expect(told).toMatchObject({
        exitCode: 4,
        errors: 'The process is "wrker-default"; allowed is web or worker-default: write worker-default.\n',
      });
    });
  });

  describe('exec and connect', () => {
    const folder = testFolder('plugin');
    const written = join(folder, 'asked.json');

    /** Stands in for AWS's program: it writes down what it was asked for. */
    const withPlugin = (): NodeJS.ProcessEnv => {
      mkdirSync(folder, { recursive: true });
      const program = join(folder, 'session-manager-plugin');
      writeFileSync(
        program,
        `#!${process.execPath}
if (process.argv[2] === '--version') console.log('1.2.707.0');
else require('node:fs').writeFileSync(${JSON.stringify(written)}, JSON.stringify({
  words: process.argv.slice(2), session: process.env[process.argv[2]],
}));
`,
      );
      chmodSync(program, 0o755);
      return { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    };
    const withoutPlugin = { ...process.env, PATH: '/nowhere' };

    it('hands the session to the plugin', async () => {
      const told = await startHoldfast(['exec', 'web', ...STAGE, '--', 'sh', '-c', 'echo $HOME'], {
        environment: withPlugin(),
      }).ended;
      expect(told).toMatchObject({ exitCode: 0, errors: '' });
      const { words, session } = JSON.parse(readFileSync(written, 'utf8')) as { words: string[]; session: string };
      expect(words.slice(1, 4)).toEqual(['us-east-1', 'StartSession', '']);
      expect(words[4]).toMatch(/^\{"Target":"ecs:shop-test_[^_"]+_[^"]*"\}$/);
      expect(session).toMatch(/^\{"SessionId":"[^"]+","TokenValue":"[^"]+","StreamUrl":"wss:[^"]+"\}$/);
    });

    it.each([
      ['exec', ['exec', 'web']],
      ['run --tty', ['run', '--tty', '--', 'sh']],
      ['connect', ['connect', 'db', '--port', '15999']],
    ])('%s says in a sentence that the plugin is missing', async (_, words) => {
      const told = await onStage(words, { environment: withoutPlugin });
      expect(told).toMatchObject({ exitCode: 2, output: '' });
      expect(told.errors).toMatch(/^The program session-manager-plugin of AWS is not installed.*\n$/);
    });

    it('says that the stage has no ECS Exec', async () => {
      const told = await holdfast(['exec', 'web', '--config', CONFIG, '--stage', 'closed']);
      expect(told.exitCode).toBe(2);
      expect(told.errors).toMatch(/^fleet\.ecsExec of stage closed is false; .*\n$/);
    });

    it('says that no instance is there to tunnel through', async () => {
      const told = await onStage(['connect', 'redis', '--port', '15998'], { environment: withPlugin() });
      expect(told).toMatchObject({ exitCode: 4, output: '' });
      expect(told.errors).toContain('No instance has joined the cluster shop-test');
    });
  });

  describe('backup', () => {
    it('takes a snapshot of the database and lists it', async () => {
      const told = await onStage(['backup', '--json']);
      expect(told.exitCode).toBe(0);
      const { snapshot } = json(told) as { snapshot: string };
      const { DBSnapshots } = await new RDSClient({ region }).send(
        new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot }),
      );
      expect(DBSnapshots).toHaveLength(1);
      const listed = await onStage(['backup', '--list']);
      expect(listed.output).toContain(snapshot);
      expect(tooLong(listed.output)).toEqual([]);
    });

    it('lists every page, and the snapshots of the queue', async () => {
      // ministack has no pages, and tells the time of a queue's snapshot as no client reads it.
      const rds = answering(RDSClient, (command) => {
        if (!(command instanceof DescribeDBSnapshotsCommand)) return undefined;
        const { Marker = 'first' } = command.input;
        const DBSnapshots = [{ DBSnapshotIdentifier: `page-${Marker}`, Status: 'available' }];
        return { DBSnapshots, ...(Marker === 'first' ? { Marker: 'second' } : {}) };
      });
      const queue = answering(ElastiCacheClient, (command) => {
        if (!(command instanceof DescribeSnapshotsCommand)) return undefined;
        return { Snapshots: [{ SnapshotName: `of-${command.input.ReplicationGroupId}`, SnapshotStatus: 'creating' }] };
      });
      try {
        const { snapshots } = json(await onStage(['backup', '--list', '--json'])) as { snapshots: { id: string }[] };
        expect(snapshots.map(({ id }) => id)).toEqual(['page-first', 'page-second', 'of-shop-test-queue']);
        expect((await onStage(['backup', '--list'])).output).toMatch(/^of-shop-test-queue +queue .*creating$/m);
      } finally {
        rds.mockRestore();
        queue.mockRestore();
      }
    });
  });

  describe('status and doctor', () => {
    it('say what does not answer, and go on', async () => {
      const told = await onStage(['status']);
      expect(told.exitCode).toBe(1);
      expect(told.output).toContain('The app at http://127.0.0.1:9 cannot be reached');
      expect(tooLong(told.output)).toEqual([]);
    });

    it('name the fix of each finding', async () => {
      const told = await onStage(['doctor', '--json']);
      const { findings } = json(told) as { findings: { check: string; state: string; fix?: string }[] };
      const wrong = findings.filter(({ state }) => state !== 'ok');
      expect(wrong.length).toBeGreaterThan(0);
      for (const { fix } of wrong) expect(fix).toMatch(/\S/);
      expect(findings.find(({ check }) => check === 'queue, snapshots')?.fix).toMatch(
        /a deploy leaves: aws elasticache modify-replication-group --replication-group-id shop-test-queue .*--snapshot-retention-limit \d/,
      );
      expect(findings.find(({ check }) => check === 'credentials')?.state).toBe('ok');
    });
  });

  describe('drill', () => {
    it('says why it cannot be done before anything is asked or broken', async () => {
      expect((await onStage(['drill', 'failover'])).errors).toMatch(/^The queue shop-test-queue has no replica/);
      expect((await onStage(['drill', 'failover', '--database'])).errors).toMatch(
        /^The database shop-test has no standby/,
      );
      const closed = await holdfast(['drill', 'queue-loss', '--config', CONFIG, '--stage', 'closed']);
      expect(closed).toMatchObject({ exitCode: 2, output: '' });
      expect(closed.errors).toMatch(/^probes of stage closed is false/);
    });
  });
});
