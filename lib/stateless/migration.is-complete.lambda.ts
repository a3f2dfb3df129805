import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTasksCommand, ECSClient, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { Task } from '@aws-sdk/client-ecs';
import { lastLines } from './migration-log';
import type { MigrationQuestion } from './migration.event';

export interface MigrationWatcher {
  readonly ecs: Pick<ECSClient, 'send'>;
  readonly logs: Pick<CloudWatchLogsClient, 'send'>;
  /** @returns milliseconds since the epoch */
  readonly now: () => number;
}

/** Lines of the log that are read; as many of the last ones as fit into the error are shown. */
const LOG_LINES = 20;

/**
 * Whether the migration has ended well.
 * @throws when it ended otherwise, never started, or took too long, with the reason and the last lines of its log.
 */
export async function isComplete(
  event: MigrationQuestion,
  watcher: MigrationWatcher,
): Promise<{ readonly IsComplete: boolean }> {
  const { Data, RequestType, ResourceProperties } = event;
  if (RequestType === 'Delete' || Data === undefined) return { IsComplete: true };
  const { Cluster, Container, TimeoutMinutes } = ResourceProperties;
  const { tasks = [] } = await watcher.ecs.send(new DescribeTasksCommand({ cluster: Cluster, tasks: [Data.TaskArn] }));
  const [task] = tasks;
  if (task?.lastStatus === 'STOPPED') {
    const exitCode = task.containers?.find(({ name }) => name === Container)?.exitCode;
    if (exitCode === 0) return { IsComplete: true };
    throw new Error(`${failure(task, exitCode)}${await log(event, Data.TaskArn, watcher)}`);
  }
  if (watcher.now() - Date.parse(Data.StartedAt) < Number(TimeoutMinutes) * 60_000) return { IsComplete: false };
  const reason = `The migration did not end within ${TimeoutMinutes} minutes (it was ${task?.lastStatus ?? 'not to be found'}) and was stopped`;
  await watcher.ecs.send(new StopTaskCommand({ cluster: Cluster, task: Data.TaskArn, reason }));
  throw new Error(`${reason}; migration.timeoutMinutes allows more.${await log(event, Data.TaskArn, watcher)}`);
}

function failure({ containers = [], stoppedReason, stopCode }: Task, exitCode: number | undefined): string {
  const reasons = [stoppedReason ?? stopCode, ...containers.map(({ reason }) => reason)].filter(Boolean).join('; ');
  return exitCode === undefined
    ? `The migration did not start: ${reasons || 'Amazon ECS gave no reason'}.`
    : `The migration failed with exit code ${exitCode}: ${reasons || 'Amazon ECS gave no reason'}.`;
}

async function log({ ResourceProperties }: MigrationQuestion, taskArn: string, { logs }: MigrationWatcher) {
  const { Container, LogGroup } = ResourceProperties;
  const stream = `${Container}/${Container}/${taskArn.replace(/^.*\//, '')}`;
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
      // A container that never started wrote nothing; whatever else it is, the failure above matters more.
      (error: unknown) => [`(its log cannot be read: ${error instanceof Error ? error.name : String(error)})`],
    );
  return messages.length === 0
    ? ' Its log is empty.'
    : ` Its log ended with:\n${lastLines(messages)}\n(${LogGroup} ${stream})`;
}

export const handler = (event: MigrationQuestion): ReturnType<typeof isComplete> =>
  isComplete(event, { ecs: new ECSClient(), logs: new CloudWatchLogsClient(), now: Date.now });
