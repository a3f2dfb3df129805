import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ECSClient, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { Task } from '@aws-sdk/client-ecs';
import { lastLines } from './migration-log';
import type { MigrationQuestion } from './migration.event';
import { isTransient } from './transient-error';

export interface MigrationWatcher {
  readonly ecs: Pick<ECSClient, 'send'>;
  readonly logs: Pick<CloudWatchLogsClient, 'send'>;
  /** @returns milliseconds since the epoch */
  readonly now: () => number;
}

/** Lines of the log that are read; as many of the last ones as fit into the error are shown. */
const LOG_LINES = 20;

/**
 * Whether the migration has ended well. What cannot be asked now, for a reason that passes, is asked again at the next
 * call: a deploy that gave up would leave the migration running.
 * @throws when it ended otherwise, never started, took too long or can never be asked for, with the reason and the last
 * lines of its log. A task that still runs is stopped first.
 */
export async function isComplete(
  event: MigrationQuestion,
  watcher: MigrationWatcher,
): Promise<{ readonly IsComplete: boolean }> {
  const { Data, RequestType } = event;
  if (RequestType === 'Delete' || Data === undefined) return { IsComplete: true };
  try {
    return { IsComplete: await hasEnded(event, Data, watcher) };
  } catch (error) {
    if (isTransient(error)) return { IsComplete: false };
    throw error;
  }
}

type Started = NonNullable<MigrationQuestion['Data']>;

async function hasEnded(event: MigrationQuestion, data: Started, watcher: MigrationWatcher): Promise<boolean> {
  const { Container, TimeoutMinutes } = event.ResourceProperties;
  const late = watcher.now() - Date.parse(data.StartedAt) >= Number(TimeoutMinutes) * 60_000;
  const asked = await describe(event, data, watcher);
  if (asked.error !== undefined && !isTransient(asked.error)) {
    await giveUp(`The migration cannot be watched (${asked.error.message})`, '', { event, data, watcher });
  }
  const { task } = asked;
  if (task?.lastStatus === 'STOPPED') {
    const exitCode = task.containers?.find(({ name }) => name === Container)?.exitCode;
    if (exitCode === 0) return true;
    throw new Error(`${failure(task, exitCode)}${await log(event, data, watcher, { mayWait: !late })}`);
  }
  if (late) {
    const status = asked.error === undefined ? (task?.lastStatus ?? 'not to be found') : asked.error.name;
    const reason = `The migration did not end within ${TimeoutMinutes} minutes (it was ${status})`;
    await giveUp(reason, '; migration.timeoutMinutes allows more', { event, data, watcher });
  }
  return false;
}

/** The task, or why it cannot be described. */
async function describe(
  { ResourceProperties }: MigrationQuestion,
  { TaskArn }: Started,
  { ecs }: MigrationWatcher,
): Promise<{ readonly task?: Task | undefined; readonly error?: Error }> {
  return ecs.send(new DescribeTasksCommand({ cluster: ResourceProperties.Cluster, tasks: [TaskArn] })).then(
    ({ tasks = [] }) => ({ task: tasks[0] }),
    (error: unknown) => ({ error: error instanceof Error ? error : new Error(String(error)) }),
  );
}

/** @throws always: a transient error while the task cannot be stopped, so that it is tried again; else what happened. */
async function giveUp(
  reason: string,
  mend: string,
  { event, data, watcher }: { event: MigrationQuestion; data: Started; watcher: MigrationWatcher },
): Promise<never> {
  const stop = new StopTaskCommand({ cluster: event.ResourceProperties.Cluster, task: data.TaskArn, reason });
  const outcome = await watcher.ecs.send(stop).then(
    () => 'was stopped',
    (error: unknown) => {
      if (isTransient(error)) throw error;
      return `could not be stopped (${error instanceof Error ? error.message : String(error)}): stop task ${data.TaskArn} by hand`;
    },
  );
  throw new Error(`${reason} and ${outcome}${mend}.${await log(event, data, watcher, { mayWait: false })}`);
}

function failure({ containers = [], stoppedReason, stopCode }: Task, exitCode: number | undefined): string {
  const reasons = [stoppedReason ?? stopCode, ...containers.map(({ reason }) => reason)].filter(Boolean).join('; ');
  return exitCode === undefined
    ? `The migration did not start: ${reasons || 'Amazon ECS gave no reason'}.`
    : `The migration failed with exit code ${exitCode}: ${reasons || 'Amazon ECS gave no reason'}.`;
}

/** @throws a transient error, where it may wait for the next call. */
async function log(
  { ResourceProperties }: MigrationQuestion,
  { TaskArn }: Started,
  { logs }: MigrationWatcher,
  { mayWait }: { readonly mayWait: boolean },
): Promise<string> {
  const { Container, LogGroup } = ResourceProperties;
  const stream = `${Container}/${Container}/${TaskArn.replace(/^.*\//, '')}`;
  const messages = await logs
    .send(
      new GetLogEventsCommand({
        logGroupName: LogGroup,
        logStreamName: stream,
        limit: LOG_LINES,
        startFromHead: false,
      }),
    )
    .then(
      ({ events = [] }) => events.flatMap(({ message }) => (message === undefined ? [] : [message])),
      (error: unknown) => {
        if (mayWait && isTransient(error)) throw error;
        // A container that never started wrote nothing; whatever else it is, the failure above matters more.
        return [`(its log cannot be read: ${error instanceof Error ? error.name : String(error)})`];
      },
    );
  return messages.length === 0
    ? ' Its log is empty.'
    : ` Its log ended with:\n${lastLines(messages)}\n(${LogGroup} ${stream})`;
}

export const handler = (event: MigrationQuestion): ReturnType<typeof isComplete> =>
  isComplete(event, { ecs: new ECSClient(), logs: new CloudWatchLogsClient(), now: Date.now });
