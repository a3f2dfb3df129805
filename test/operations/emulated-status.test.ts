import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import { holdfast, json, ROOT } from './support/holdfast';
import type { Ended } from './support/holdfast';
import type { AwsInBetween, OtherAnswer } from './support/aws-in-between';
import { startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';
import { TOPIC } from './support/stage-records';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const region = 'us-east-1';

interface Finding {
  readonly check: string;
  readonly state: string;
}

const denied: OtherAnswer = { status: 400, body: { __type: 'AccessDeniedException', message: 'Not permitted.' } };

function xmlError(code: string): OtherAnswer {
  return {
    status: 400,
    body: `<ErrorResponse><Error><Code>${code}</Code><Message>No.</Message></Error></ErrorResponse>`,
  };
}

type Answers = Readonly<Record<string, OtherAnswer>>;

const databaseIs = (state: string): Answers => ({
  DescribeDBInstances: {
    body: `<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>shop-test</DBInstanceIdentifier><DBInstanceStatus>${state}</DBInstanceStatus></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>`,
  },
});
const queueIs = (state: string): Answers => ({
  DescribeReplicationGroups: {
    body: `<DescribeReplicationGroupsResponse><DescribeReplicationGroupsResult><ReplicationGroups><ReplicationGroup><ReplicationGroupId>shop-test-queue</ReplicationGroupId><Status>${state}</Status></ReplicationGroup></ReplicationGroups></DescribeReplicationGroupsResult></DescribeReplicationGroupsResponse>`,
  },
});

/** Records of an emulated AWS, and an app of which only the answers are there. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast on a stage of which a part is away', () => {
  let records: RecordsInBetween;
  let between: AwsInBetween;
  let app: Server;
  /** Status and body of the app's answer about its queues. */
  let queues: readonly [number, object];

  const onStage = (...words: readonly string[]): Promise<Ended> =>
    holdfast([...words, '--config', CONFIG, '--stage', 'test'], {
      environment: { ...process.env, HOLDFAST_CONNECT_TO: `127.0.0.1:${(app.address() as AddressInfo).port}` },
    });
  const answer = (answers: Answers): void => {
    between.instead = (operation) => answers[operation];
  };

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
    ({ between } = records);
    app = createServer(({ url }, response) => {
      const [status, body] = url === '/api/queues' ? queues : [200, {}];
      response.writeHead(status).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(app, 'listening');
  });
  beforeEach(() => {
    queues = [200, { workers: [{ source: 'redis' }], queues: [], unknownKinds: [] }];
    answer({});
  });
  afterAll(async () => {
    app.closeAllConnections();
    app.close();
    await records.stop();
  });

  describe('status', () => {
    it('ends with 0 where nothing is', async () => {
      const told = await onStage('status');
      expect(told).toMatchObject({ exitCode: 0, errors: '' });
      expect(told.output).toMatch(/^App +ready$/m);
    });

    it.each([
      ['no worker lives', () => (queues = [200, { workers: [], queues: [] }]), /^Tasks +0 workers, /m],
      ['the app takes the token no more', () => (queues = [401, {}]), /^Tasks +.* refuses the administration token/m],
      [
        'the token may not be read',
        () => answer({ GetSecretValue: denied }),
        /^App +.* do not permit Secrets Manager/m,
      ],
      [
        'the database was deleted',
        () => answer({ DescribeDBInstances: xmlError('DBInstanceNotFound') }),
        /^database +deleted beside CloudFormation +shop-test +not there$/m,
      ],
      [
        "the queue's group was deleted",
        () => answer({ DescribeReplicationGroups: xmlError('ReplicationGroupNotFoundFault') }),
        /^queue +deleted beside CloudFormation +shop-test-queue +not there$/m,
      ],
    ])('tells that %s, and everything else', async (_, happen, words) => {
      happen();
      const told = await onStage('status');
      expect(told).toMatchObject({ exitCode: 1, errors: '' });
      expect(told.output).toMatch(words);
      expect(told.output).toMatch(/^worker-default +1 of 1 +2 +complete$/m);
    });

    it.each([
      ['database', 'backing-up', 0],
      ['database', 'rebooting', 1],
      ['queue', 'snapshotting', 0],
      ['queue', 'modifying', 1],
    ])('of a %s that is %s ends with %i', async (server, state, exitCode) => {
      answer(server === 'database' ? databaseIs(state) : queueIs(state));
      const told = await onStage('status');
      expect(told.exitCode).toBe(exitCode);
      expect(told.output).toMatch(new RegExp(`^${server} .* ${state}$`, 'm'));
    });

    it('counts no alarm of a stage whose name begins alike', async () => {
      const cloudWatch = new CloudWatchClient({ region });
      for (const [stage, topic] of Object.entries({ test: TOPIC, 'test-eu': TOPIC.replace('test', 'test-eu') })) {
        const AlarmName = `shop-${stage}-web-5xx`;
        await cloudWatch.send(
          new PutMetricAlarmCommand({
            ...{ AlarmName, AlarmActions: [topic], MetricName: '5xx', Namespace: 'shop', Statistic: 'Sum', Period: 60 },
            ...{ EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' },
          }),
        );
        const StateValue = stage === 'test' ? 'OK' : 'ALARM';
        await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'The test.' }));
      }
      const told = await onStage('status', '--json');
      expect(told.exitCode).toBe(0);
      expect(json(told)).toMatchObject({ alarms: { total: 1, sounding: [] } });
    });
  });

  it('doctor looks at everything else where CloudFormation may not be asked', async () => {
    answer({ DescribeStacks: xmlError('AccessDenied'), GetServiceQuota: denied });
    const { findings } = json(await onStage('doctor', '--json')) as { readonly findings: readonly Finding[] };
    expect(findings).toContainEqual(expect.objectContaining({ check: 'deploy', state: 'unknown', exitCode: 3 }));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'credentials', state: 'ok' }));
    expect(findings).toContainEqual(expect.objectContaining({ check: 'process, web', state: 'ok' }));
  });
});
