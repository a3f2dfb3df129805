import { join } from 'node:path';
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { waitUntil } from '../../app/local/servers/wait-until';
import { emulatedAwsMissing } from '../../app/test/servers/emulated-aws';
import { ROOT, startHoldfast } from './support/holdfast';
import type { RunningCommand } from './support/holdfast';
import { startRecordsInBetween } from './support/records-in-between';
import type { RecordsInBetween } from './support/records-in-between';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const WAIT = { limitSeconds: 30, everyMilliseconds: 50 };
const region = 'us-east-1';
const cluster = 'shop-test';

/** A terminal, which closes when this program ends. */
const TERMINAL = [
  join(ROOT, '.holdfast-tools', 'venv', 'bin', 'python'),
  ...['-c', 'import pty, sys; pty.spawn(sys.argv[1:])'],
];

/** The task of `npx holdfast run` is a record, as is its log. */
(emulatedAwsMissing === undefined ? describe : describe.skip)('npx holdfast run that nobody waits for', () => {
  let records: RecordsInBetween;
  let logs: CloudWatchLogsClient;

  beforeAll(async () => {
    records = await startRecordsInBetween(region);
    logs = new CloudWatchLogsClient({ region });
  });
  afterAll(async () => {
    await records.stop();
  });

  const run = (under: readonly string[] = []) =>
    startHoldfast(['run', '--config', CONFIG, '--stage', 'test', '--', 'sleep', '60'], { under });
  const untilTask = () =>
    waitUntil(
      'the task is there',
      async () => (await records.ecs.send(new ListTasksCommand({ cluster, startedBy: 'holdfast-run' }))).taskArns?.[0],
      WAIT,
    );
  const described = async (task: string) =>
    (await records.ecs.send(new DescribeTasksCommand({ cluster, tasks: [task] }))).tasks?.[0];
  const stopped = { lastStatus: 'STOPPED', stoppedReason: 'holdfast run was interrupted' };

  /** Writes lines as the task, and waits until the command has printed the first. */
  const writtenBy = async (task: string, running: RunningCommand) => {
    const at = { logGroupName: '/shop/test/web', logStreamName: `shop/web/${task.split('/').at(-1)}` };
    await logs.send(new CreateLogStreamCommand(at));
    const write = (message: string) =>
      logs.send(new PutLogEventsCommand({ ...at, logEvents: [{ message, timestamp: Date.now() }] }));
    await write('first');
    await waitUntil('the first line is printed', () => running.output().includes('first'), WAIT);
    return write;
  };

  it('stops the task when the reader of its output is gone, as with head', async () => {
    const running = run();
    const task = await untilTask();
    const write = await writtenBy(task, running);
    running.process.stdout?.destroy();
    await write('second');
    const told = await running.ended;
    expect(told).toMatchObject({ exitCode: 0, output: 'first\n' });
    expect(told.errors).toMatch(/^Interrupted: task [0-9a-f-]+ is stopped\.$/m);
    expect(await described(task)).toMatchObject(stopped);
  });

  it('stops the task when the terminal is closed, of which nobody can be told', async () => {
    const running = run(TERMINAL);
    const task = await untilTask();
    await writtenBy(task, running);
    running.process.kill('SIGKILL');
    await waitUntil('it is stopped', async () => (await described(task))?.lastStatus === 'STOPPED', WAIT);
    expect(await described(task)).toMatchObject(stopped);
  });
});
