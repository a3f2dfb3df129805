import { join } from 'node:path';
import { DescribeTasksCommand, ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { ECSClient, Task } from '@aws-sdk/client-ecs';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import type { DrillReport } from '../../lib/operations/drill/drill';
import { holdfast, json, ROOT } from './support/holdfast';
import type { Ended, InProcess } from './support/holdfast';
import { startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';
import type { AwsInBetween } from './support/aws-in-between';
import { startStandInApp } from './support/stand-in-app';
import type { StandInApp } from './support/stand-in-app';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const region = 'us-east-1';
const cluster = 'shop-test';

/** AWS and the app are records: what is tested is what the command asks of them, and what it says. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast drill on records of a stage', () => {
  let records: RecordsInBetween;
  let between: AwsInBetween;
  let app: StandInApp;
  let ecs: ECSClient;

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
    ({ between, ecs } = records);
    app = await startStandInApp();
  });

  afterAll(async () => {
    await app.stop();
    await records.stop();
  });

  const drill = (words: readonly string[], options: InProcess = {}): Promise<Ended> =>
    holdfast(['drill', ...words, '--config', CONFIG, '--stage', 'test', '--yes'], {
      ...options,
      environment: { ...process.env, HOLDFAST_CONNECT_TO: app.address },
    });

  describe('queue-loss', () => {
    const waiting = async (): Promise<Task[]> => {
      const { taskArns: tasks = [] } = await ecs.send(new ListTasksCommand({ cluster, startedBy: 'holdfast-drill' }));
      return tasks.length === 0 ? [] : ((await ecs.send(new DescribeTasksCommand({ cluster, tasks }))).tasks ?? []);
    };
    const left =
      /Nothing was broken\. The task [0-9a-f-]+ would .* empties nothing and ends by itself within 5 min\.\n$/;

    afterEach(async () => {
      for (const { taskArn: task } of await waiting()) await ecs.send(new StopTaskCommand({ cluster, task }));
    });

    it('gives the sign to empty Redis when the probes are accepted', async () => {
      const before: Task[][] = [];
      app.acceptProbes = (_response, accept) =>
        void waiting().then((tasks) => {
          before.push(tasks);
          accept();
        });
      const told = await drill(['queue-loss', '--json']);
      expect(json(told)).toMatchObject({ passed: true, broke: "The queue's Redis was emptied.", after: { done: 2 } });
      expect(before.map((tasks) => tasks.length)).toEqual([1, 0]);
    });

    it('counts for how long the app accepted nothing after the loss', async () => {
      let asked = 0;
      app.acceptProbes = (response, accept) => {
        asked += 1;
        if (asked === 1 || asked > 3) accept();
        else response.destroy();
      };
      const report = json(await drill(['queue-loss', '--json'])) as DrillReport;
      expect(report.passed).toBe(true);
      expect(report.seconds.appSilent).toBeGreaterThanOrEqual(1);
    });

    it('gives no sign when the probes are refused, and says what waits for it', async () => {
      app.acceptProbes = (response) => void response.writeHead(422).end(JSON.stringify({ detail: 'Too many.' }));
      const told = await drill(['queue-loss']);
      expect(told).toMatchObject({ exitCode: 2, output: '' });
      expect(told.errors).toMatch(/^The app answered POST \/api\/probes with 422: Too many\. /);
      expect(told.errors).toMatch(left);
      expect(await waiting()).toMatchObject([{ desiredStatus: 'RUNNING' }]);
    });

    it('gives no sign after Ctrl-C, and says what waits for it', async () => {
      const interrupt = new AbortController();
      app.acceptProbes = () => interrupt.abort();
      const told = await drill(['queue-loss'], { signal: interrupt.signal });
      expect(told).toMatchObject({ exitCode: 130, output: '' });
      expect(told.errors).toMatch(/^Interrupted\. Nothing/);
      expect(told.errors).toMatch(left);
      expect(await waiting()).toMatchObject([{ desiredStatus: 'RUNNING' }]);
    });
  });

  it('instance says what may be broken when AWS refuses in the middle', async () => {
    app.acceptProbes = (_response, accept) => accept();
    between.instead = (operation) =>
      operation === 'StopTask'
        ? { status: 400, body: { __type: 'AccessDeniedException', message: 'Not ecs:StopTask.' } }
        : undefined;
    const told = await drill(['instance']);
    expect(told).toMatchObject({ exitCode: 3, output: '' });
    expect(told.errors).toMatch(
      /StopTask .* This may be done by now: stop .*; what was accepted is done all the same\.\n$/,
    );
  });

  it('instance is not over while what was stopped still ends', async () => {
    app.acceptProbes = (_response, accept) => accept();
    let looks = -1;
    between.instead = (operation) => {
      if (operation === 'StopTask') looks = 0;
      // Records of services are not filled up again.
      if (operation === 'DescribeServices' && looks >= 0) {
        return {
          body: {
            services: [{ deployments: [{ status: 'PRIMARY' }], runningCount: 1, desiredCount: 1, pendingCount: 0 }],
          },
        };
      }
      if (operation !== 'DescribeTasks' || looks < 0 || (looks += 1) > 2) return undefined;
      const ending = { taskArn: 'ending', lastStatus: 'DEACTIVATING', desiredStatus: 'STOPPED' };
      return { body: { tasks: [ending], failures: [] } };
    };
    const report = json(await drill(['instance', '--limit', '10', '--json'])) as DrillReport;
    expect(looks).toBeGreaterThan(2);
    expect(report).toMatchObject({ passed: true });
    expect(report.seconds.whole).toBeGreaterThanOrEqual(1);
  });
});
