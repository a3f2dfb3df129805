import { join } from 'node:path';
import { ElastiCacheClient, ModifyReplicationGroupCommand } from '@aws-sdk/client-elasticache';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import { checkRotations } from '../../lib/operations/doctor/rotations';
import type { AwsInBetween, OtherAnswer } from './support/aws-in-between';
import { holdfast, json, ROOT } from './support/holdfast';
import type { Ended, InProcess } from './support/holdfast';
import { contextOn, startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';
import { PROCESSES } from './support/stage-records';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const region = 'us-east-1';
const UNFINISHED = 'he rotation has not ended: run the same command again';
const EXPIRED: OtherAnswer = { status: 400, body: { __type: 'ExpiredTokenException', message: 'It has expired.' } };

/** Services as they stand after those deployments of theirs. */
const servicesWith = (deploymentOf: (at: number) => object): OtherAnswer => ({
  body: {
    services: PROCESSES.map((serviceName, at) => ({ serviceName, status: 'ACTIVE', deployments: [deploymentOf(at)] })),
  },
});

/** Commands that end in the middle, by Ctrl-C, an error of AWS, or a deployment that is taken back. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast that ends half way', () => {
  let records: RecordsInBetween;
  let between: AwsInBetween;

  const onStage = ([command = '', ...words]: readonly string[], options: InProcess = {}): Promise<Ended> =>
    holdfast([command, '--config', CONFIG, '--stage', 'test', ...words], {
      ...options,
      environment: { ...process.env, HOLDFAST_SETTLE_SECONDS: '0' },
    });

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
    ({ between } = records);
  });
  afterEach(() => {
    between.instead = () => undefined;
  });
  afterAll(async () => {
    await records.stop();
  });

  const openRotations = async () =>
    (await checkRotations(contextOn(CONFIG, 'test'))).filter(({ state }) => state === 'warning');

  describe('secrets rotate queue', () => {
    /** Runs it, and tells the strategies of what it asks of ElastiCache. */
    const rotate = async (options: InProcess = {}) => {
      const send = jest.spyOn(ElastiCacheClient.prototype, 'send');
      try {
        const told = await onStage(['secrets', 'rotate', 'queue', '--yes', '--json'], options);
        const strategies = send.mock.calls.flatMap(([command]) =>
          command instanceof ModifyReplicationGroupCommand ? command.input.AuthTokenUpdateStrategy : [],
        );
        return { told, strategies };
      } finally {
        send.mockRestore();
      }
    };

    it.each([
      ['before all services were asked', 1],
      ['while containers are waited for', PROCESSES.length],
    ])('says after Ctrl-C %s that it has not ended, and ends at the next run', async (_when, updatesBefore) => {
      const interrupt = new AbortController();
      let updates = 0;
      between.instead = (operation) => {
        if (operation === 'UpdateService' && (updates += 1) === updatesBefore) interrupt.abort();
        return operation === 'DescribeServices' && updates > 0
          ? servicesWith(() => ({ id: 'before', status: 'PRIMARY', runningCount: 1 }))
          : undefined;
      };
      const interrupted = await rotate({ signal: interrupt.signal });
      expect(interrupted.told).toMatchObject({ exitCode: 130, output: '' });
      expect(interrupted.told.errors).toContain(`Interrupted: t${UNFINISHED}`);
      expect([updates, interrupted.strategies]).toEqual([updatesBefore, ['ROTATE']]);
      expect(await openRotations()).toMatchObject([{ check: 'secrets, queue' }]);

      between.instead = () => undefined;
      const asked = await onStage(['secrets', 'rotate', 'queue']);
      expect(asked.errors).toContain('End the rotation of queue of stage test that was interrupted');
      const next = await rotate();
      expect(json(next.told)).toEqual({ secret: 'queue', replaced: PROCESSES, takenUp: true });
      expect(next.strategies).toEqual(['SET']);
      expect(await openRotations()).toEqual([]);
    });

    it('says that it has not ended when AWS refuses to say more', async () => {
      let updates = 0;
      between.instead = (operation) => {
        if (operation === 'UpdateService') updates += 1;
        return operation === 'DescribeServices' && updates > 0 ? EXPIRED : undefined;
      };
      const { told } = await rotate();
      expect(told.exitCode).toBe(3);
      expect(told.errors).toMatch(new RegExp(`^The credentials for AWS have expired: .* T${UNFINISHED}`));
      between.instead = () => undefined;
      expect(json((await rotate()).told)).toMatchObject({ takenUp: true });
    });
  });

  describe('secrets rotate database', () => {
    const password = async () => {
      const asked = new GetSecretValueCommand({ SecretId: 'shop/database' });
      return (JSON.parse((await new SecretsManagerClient({ region }).send(asked)).SecretString ?? '') as Login)
        .password;
    };
    interface Login {
      readonly password: string;
    }

    /** The deployments of the first `times` rolls are taken back. @returns how many services were changed. */
    const takeBack = (times: number) => {
      let updates = 0;
      const isTakenBack = () => updates > 0 && updates <= times * PROCESSES.length;
      between.instead = (operation) => {
        if (operation === 'UpdateService') {
          updates += 1;
          const deployments = [{ id: `deployment ${(updates - 1) % PROCESSES.length}`, status: 'PRIMARY' }];
          return isTakenBack() ? { body: { service: { deployments } } } : undefined;
        }
        if (operation !== 'DescribeServices' || !isTakenBack()) return undefined;
        return servicesWith((at) => ({
          ...{ id: `deployment ${at}`, status: 'ACTIVE', rolloutState: 'FAILED' },
          rolloutStateReason: 'An alarm sounds.',
        }));
      };
      return () => updates;
    };

    it('replaces the containers once more when an alarm takes the first attempt back', async () => {
      const updates = takeBack(1);
      const told = await onStage(['secrets', 'rotate', 'database', '--yes']);
      expect(told.errors).toContain(
        'The deployment of web failed (An alarm sounds): see npx holdfast logs web. Once more',
      );
      expect(told).toMatchObject({ exitCode: 0 });
      expect(told.output).toMatch(/^database has a new value\.$/m);
      expect(updates()).toBe(2 * PROCESSES.length);
    });

    it('says that it has not ended when both are taken back, and makes no other value at the next run', async () => {
      takeBack(2);
      const told = await onStage(['secrets', 'rotate', 'database', '--yes']);
      expect(told).toMatchObject({ exitCode: 5, output: '' });
      expect(told.errors).toMatch(new RegExp(`The deployment of web failed .* T${UNFINISHED}.*\n$`));
      const left = await password();
      between.instead = () => undefined;
      const next = await onStage(['secrets', 'rotate', 'database', '--yes']);
      expect(next.output.replaceAll(/\s+/g, ' ')).toMatch(
        /^The rotation of database that was interrupted has ended, .*: run it again for another one\./,
      );
      expect(next.output).not.toContain('has a new value');
      expect(await password()).toBe(left);
      expect((await onStage(['secrets', 'rotate', 'database', '--yes'])).output).toContain('has a new value');
      expect(await password()).not.toBe(left);
    });

    it('knows of a value that was written down and not given to the server', async () => {
      const SecretString = JSON.stringify({ username: 'app', password: 'written-down' });
      const put = { SecretId: 'shop/database', SecretString, VersionStages: ['AWSPENDING'] };
      await new SecretsManagerClient({ region }).send(new PutSecretValueCommand(put));
      expect(await openRotations()).toMatchObject([{ check: 'secrets, database' }]);
      expect(json(await onStage(['secrets', 'rotate', 'database', '--yes', '--json']))).toMatchObject({
        takenUp: true,
      });
    });
  });

  it('rollback says that Amazon ECS goes on when the credentials expire meanwhile', async () => {
    let updates = 0;
    between.instead = (operation) => {
      if (operation === 'UpdateService') updates += 1;
      return operation === 'DescribeServices' && updates > 0 ? EXPIRED : undefined;
    };
    const told = await onStage(['rollback', 'web', '--yes']);
    expect(told).toMatchObject({ exitCode: 3, output: '' });
    expect(told.errors).toMatch(
      /have expired: .* Amazon ECS goes on replacing the containers; .* status shows it\.\n$/,
    );
  });

  it('backup says that the snapshot of the database goes on when that of the queue is refused', async () => {
    between.instead = (operation) =>
      operation === 'CreateSnapshot'
        ? { status: 400, body: '<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>' }
        : undefined;
    const told = await onStage(['backup', '--queue']);
    expect(told).toMatchObject({ exitCode: 3, output: '' });
    const [, id = ''] =
      /What AWS has begun of the snapshot (\S+) goes on; npx holdfast backup --list/.exec(told.errors) ?? [];
    expect((await onStage(['backup', '--list'])).output).toContain(id);
    expect(id).not.toBe('');
  });
});
