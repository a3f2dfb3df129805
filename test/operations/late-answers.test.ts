import { join } from 'node:path';
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { waitUntil } from '../../app/local/servers/wait-until';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import type { AwsInBetween } from './support/aws-in-between';
import { holdfast, ROOT } from './support/holdfast';
import type { Ended, InProcess } from './support/holdfast';
import { startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const WAIT = { limitSeconds: 30, everyMilliseconds: 50 };
const region = 'us-east-1';
const cluster = 'shop-test';

/** Records of an emulated AWS, behind answers that come late, repeat, or are errors. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast on an AWS that answers late', () => {
  let records: RecordsInBetween;
  let between: AwsInBetween;
  let ecs: ECSClient;

  const onStage = ([command = '', ...words]: readonly string[], options: InProcess = {}): Promise<Ended> =>
    holdfast([command, '--config', CONFIG, '--stage', 'test', ...words], options);

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
    ({ between, ecs } = records);
  });
  afterEach(() => {
    between.instead = () => undefined;
  });
  afterAll(async () => {
    await records.stop();
  });

  describe('run', () => {
    const tasks = async (desiredStatus: 'RUNNING' | 'STOPPED') => {
      const { taskArns = [] } = await ecs.send(
        new ListTasksCommand({ cluster, startedBy: 'holdfast-run', desiredStatus }),
      );
      return taskArns;
    };

    it('waits for a task that Amazon ECS does not know at first', async () => {
      let asked = 0;
      between.instead = (operation) => {
        if (operation !== 'DescribeTasks' || (asked += 1) > 2) return undefined;
        return { body: { tasks: [], failures: [{ reason: 'MISSING' }] } };
      };
      const running = onStage(['run', '--', 'true']);
      const task = await waitUntil('it is seen', async () => asked > 2 && (await tasks('RUNNING'))[0], WAIT);
      await ecs.send(new StopTaskCommand({ cluster, task }));
      expect(await running).toMatchObject({ exitCode: 0 });
    });

    it('stops the task when it can no longer be watched', async () => {
      between.instead = (operation) =>
        operation === 'GetLogEvents'
          ? { status: 400, body: { __type: 'AccessDeniedException', message: 'Not logs:GetLogEvents.' } }
          : undefined;
      const told = await onStage(['run', '--', 'sleep', '60']);
      expect(told).toMatchObject({ exitCode: 3, output: '' });
      expect(told.errors).toMatch(/do not permit CloudWatch Logs GetLogEvents .* The task [0-9a-f-]+ is stopped\.\n$/);
      const task = /task ([0-9a-f-]+) is stopped/.exec(told.errors)?.[1] ?? '';
      const described = await ecs.send(new DescribeTasksCommand({ cluster, tasks: [task] }));
      expect(described.tasks).toMatchObject([{ lastStatus: 'STOPPED' }]);
    });
  });

  describe('logs', () => {
    it('--follow writes each line once, though nothing new comes', async () => {
      const at = { logGroupName: '/shop/test/web', logStreamName: 'shop/web/quiet' };
      const logs = new CloudWatchLogsClient({ region });
      await logs.send(new CreateLogStreamCommand(at));
      const logEvents = ['old', 'new'].map((message, index) => ({
        message,
        timestamp: Date.now() - 20_000 * (1 - index),
      }));
      await logs.send(new PutLogEventsCommand({ ...at, logEvents }));
      const interrupt = new AbortController();
      let polls = 0;
      between.instead = (operation) => {
        if (operation === 'FilterLogEvents' && (polls += 1) === 5) interrupt.abort();
        return undefined;
      };
      const told = await onStage(['logs', 'web', '--follow', '--json'], { signal: interrupt.signal });
      expect(told.exitCode).toBe(130);
      const messages = told.output
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { message: string }).message);
      expect(messages).toEqual(['old', 'new']);
    });

    it('ends at Ctrl-C between two pages', async () => {
      const interrupt = new AbortController();
      let pages = 0;
      between.instead = (operation) => {
        if (operation !== 'FilterLogEvents') return undefined;
        pages += 1;
        if (pages === 2) interrupt.abort();
        return { body: { events: [], ...(pages < 5 ? { nextToken: `page ${pages}` } : {}) } };
      };
      const told = await onStage(['logs', 'web', '--since', '30d'], { signal: interrupt.signal });
      expect(told).toMatchObject({ exitCode: 130, output: '' });
      expect(pages).toBe(2);
    });
  });
});
