import type { MigrationQuestion } from '../../lib/stateless/migration.event';
import { isComplete } from '../../lib/stateless/migration.is-complete.lambda';
import { awsClient } from './aws-client';

const STARTED = Date.parse('2026-11-21T12:00:00Z');
const TASK = 'arn:aws:ecs:us-east-1:123456789012:task/library-dev/0123456789abcdef';
const EVENT: MigrationQuestion = {
  RequestType: 'Update',
  RequestId: '7a1f0d1e-0000-4000-8000-000000000001',
  StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/library-dev-stateless/1',
  PhysicalResourceId: 'migration',
  Data: { TaskArn: TASK, StartedAt: new Date(STARTED).toISOString() },
  ResourceProperties: {
    Cluster: 'library-dev',
    TaskDefinition: 'library-dev-migration:7',
    CapacityProvider: 'on-demand',
    Container: 'migration',
    LogGroup: '/library/dev/migration',
    TimeoutMinutes: '30',
  },
};

const ROLLBACK: MigrationQuestion = {
  RequestType: 'Update',
  RequestId: EVENT.RequestId,
  StackId: EVENT.StackId,
  PhysicalResourceId: 'migration',
  ResourceProperties: EVENT.ResourceProperties,
};

function watcher(task: unknown, log: unknown = { events: [] }, minutes = 1) {
  const ecs = awsClient({ DescribeTasks: { tasks: [task] } });
  return { ecs, logs: awsClient({ GetLogEvents: log }), now: () => STARTED + minutes * 60_000 };
}

const stopped = (exitCode?: number, more: object = {}) => ({
  lastStatus: 'STOPPED',
  stoppedReason: 'Essential container in task exited',
  containers: [{ name: 'migration', ...(exitCode === undefined ? {} : { exitCode }) }],
  ...more,
});

const throttled = Object.assign(new Error('Rate exceeded'), {
  name: 'ThrottlingException',
  $metadata: { httpStatusCode: 400 },
});
const denied = Object.assign(new Error('not authorized'), {
  name: 'AccessDeniedException',
  $metadata: { httpStatusCode: 400 },
});
const TRANSIENT = {
  throttling: throttled,
  'a fault of AWS': Object.assign(new Error('oops'), { name: 'ServerException', $metadata: { httpStatusCode: 500 } }),
  'a broken connection': Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
};

function askedOf(answers: Readonly<Record<string, unknown>>, log: unknown = { events: [] }, minutes = 1) {
  return { ecs: awsClient(answers), logs: awsClient({ GetLogEvents: log }), now: () => STARTED + minutes * 60_000 };
}

describe('a migration that cannot be asked for', () => {
  test.each(Object.entries(TRANSIENT))('is asked for again after %s, and runs on', async (_, error) => {
    const aws = askedOf({ DescribeTasks: error });

    await expect(isComplete(EVENT, aws)).resolves.toEqual({ IsComplete: false });
    expect(aws.ecs.asked.map(({ command }) => command)).toEqual(['DescribeTasks']);
  });

  test('waits for its log, but not beyond its limit', async () => {
    await expect(isComplete(EVENT, watcher(stopped(1), throttled))).resolves.toEqual({ IsComplete: false });
    await expect(isComplete(EVENT, watcher(stopped(1), throttled, 30))).rejects.toThrow(
      /exit code 1.*\n?.*its log cannot be read: ThrottlingException/,
    );
  });

  test('is stopped at its limit all the same', async () => {
    const aws = askedOf({ DescribeTasks: throttled }, undefined, 30);

    await expect(isComplete(EVENT, aws)).rejects.toThrow('(it was ThrottlingException) and was stopped');
    expect(aws.ecs.asked.map(({ command }) => command)).toEqual(['DescribeTasks', 'StopTask']);
  });

  test('is stopped again while it cannot be stopped', async () => {
    const aws = askedOf({ DescribeTasks: { tasks: [{ lastStatus: 'RUNNING' }] }, StopTask: throttled }, undefined, 30);

    await expect(isComplete(EVENT, aws)).resolves.toEqual({ IsComplete: false });
  });

  test('for a reason that stays is stopped, and is a failure', async () => {
    const aws = askedOf({ DescribeTasks: denied });

    await expect(isComplete(EVENT, aws)).rejects.toThrow(
      'The migration cannot be watched (not authorized) and was stopped.',
    );
    expect(aws.ecs.asked.map(({ command }) => command)).toEqual(['DescribeTasks', 'StopTask']);
  });

  test('and never can be stopped is named, for a person to stop it', async () => {
    const aws = askedOf({ DescribeTasks: denied, StopTask: denied });

    await expect(isComplete(EVENT, aws)).rejects.toThrow(
      `could not be stopped (not authorized): stop task ${TASK} by hand`,
    );
  });
});

describe('the end of a migration', () => {
  test.each(['PROVISIONING', 'PENDING', 'RUNNING', 'DEPROVISIONING'])('is waited for while %s', async (lastStatus) => {
    await expect(isComplete(EVENT, watcher({ lastStatus }))).resolves.toEqual({ IsComplete: false });
  });

  test('is good with exit code 0', async () => {
    await expect(isComplete(EVENT, watcher(stopped(0)))).resolves.toEqual({ IsComplete: true });
  });

  test('is a failure with any other exit code, with the last lines of the log', async () => {
    const events = [
      { message: '{"level":30,"time":1,"msg":"waiting for PostgreSQL"}' },
      { message: '{"level":60,"msg":"migrations failed","err":{"message":"relation \\"film\\" exists","stack":"…"}}' },
      { message: 'a line that is not JSON' },
    ];
    const aws = watcher(stopped(1), { events });

    const failure = await isComplete(EVENT, aws).catch((error: unknown) => String(error));

    expect(failure).toContain('The migration failed with exit code 1: Essential container in task exited.');
    expect(failure).toContain(
      'waiting for PostgreSQL\nmigrations failed: relation "film" exists\na line that is not JSON',
    );
    expect(aws.logs.asked[0]?.input).toMatchObject({
      logGroupName: '/library/dev/migration',
      logStreamName: 'migration/migration/0123456789abcdef',
    });
  });

  test('keeps within what CloudFormation shows, however long the log is', async () => {
    const events = Array.from({ length: 20 }, (_, line) => ({ message: `${line} ${'x'.repeat(500)}` }));

    const failure = await isComplete(EVENT, watcher(stopped(1), { events })).catch((error: unknown) => String(error));

    expect(JSON.stringify(failure).length).toBeLessThan(900);
    expect(failure).toContain('\n19 xxx');
  });

  test('is a failure when the container never started', async () => {
    const task = {
      ...stopped(undefined, { stoppedReason: 'CannotPullContainerError' }),
      containers: [{ name: 'migration', reason: 'manifest unknown' }],
    };
    const gone = Object.assign(new Error('no stream'), { name: 'ResourceNotFoundException' });

    await expect(isComplete(EVENT, watcher(task, gone))).rejects.toThrow(
      'The migration did not start: CannotPullContainerError; manifest unknown.',
    );
  });

  test('that does not come in time is brought about, and is a failure', async () => {
    const aws = watcher({ lastStatus: 'RUNNING' }, { events: [{ message: 'step 3 of 9' }] }, 30);

    await expect(isComplete(EVENT, aws)).rejects.toThrow(
      /did not end within 30 minutes \(it was RUNNING\) and was stopped; .*\n?.*step 3 of 9/,
    );
    expect(aws.ecs.asked.map(({ command }) => command)).toEqual(['DescribeTasks', 'StopTask']);
    expect(aws.ecs.asked[1]?.input).toMatchObject({ cluster: 'library-dev', task: TASK });
  });

  test('is not waited for where nothing was started: in a rollback and on deletion', async () => {
    const aws = watcher(stopped(1));

    await expect(isComplete(ROLLBACK, aws)).resolves.toEqual({ IsComplete: true });
    await expect(isComplete({ ...EVENT, RequestType: 'Delete' }, aws)).resolves.toEqual({ IsComplete: true });
    expect(aws.ecs.asked).toEqual([]);
  });
});
