import { DescribeTasksCommand, RunTaskCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { Service, Task } from '@aws-sdk/client-ecs';
import { clusterName, taskFamily } from '../../config';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError } from '../exit-codes';
import type { AwsClients } from './clients';
import { nextLookMs, pause, serviceNamed, servicesOf } from './services';
import { definitionOf } from './task-definitions';
import type { Definition } from './task-definitions';
import { TaskLog } from './task-log';

const POLL_MS = 2_000;
const MIGRATION = 'migration';
/** How long Amazon ECS may not know a task that it has taken: its API is eventually consistent (API reference, RunTask). */
const UNKNOWN_MS = 60_000;

export interface OneOffTask {
  /** Whose image, variables, secrets, role and network it gets: `web`, `worker-KIND`, `scheduler`, `migration`. */
  readonly process: string;
  readonly command: readonly string[];
  /** Who started it, for those who look into the cluster. */
  readonly startedBy: string;
  /** Whether people may look into it by ECS Exec. */
  readonly forExec?: boolean;
}

export interface EndedTask {
  /** Undefined where the container never ran. */
  readonly exitCode: number | undefined;
  readonly reason: string;
  readonly stoppedAt: Date | undefined;
}

/** A task that is no service's: it runs one command with what a process has, and ends. */
export class RunningTask {
  private readonly takenAt = performance.now();

  private constructor(
    private readonly aws: AwsClients,
    private readonly signal: AbortSignal,
    readonly cluster: string,
    readonly arn: string,
    /** Name of the container that runs the command. */
    readonly container: string,
    private readonly log: TaskLog | undefined,
  ) {}

  /** @throws OperationsError when there is no such process, or Amazon ECS does not take the task. */
  static async start(context: OperationsContext, asked: OneOffTask): Promise<RunningTask> {
    const configuration = await context.configuration();
    const aws = await context.aws();
    const services = await servicesOf(aws, configuration);
    const cluster = clusterName(configuration);
    const isMigration = asked.process === MIGRATION && configuration.migration !== undefined;
    // The migration is no service; it runs where web does.
    const service = serviceNamed(services, isMigration ? 'web' : asked.process);
    const named = isMigration ? taskFamily(configuration, MIGRATION) : (service.taskDefinition ?? '');
    const definition = await definitionOf(aws, named);
    const { tasks = [], failures = [] } = await aws.ecs.send(
      new RunTaskCommand({
        cluster,
        taskDefinition: definition.arn,
        count: 1,
        startedBy: asked.startedBy,
        propagateTags: 'TASK_DEFINITION',
        enableECSManagedTags: true,
        ...(asked.forExec === true ? { enableExecuteCommand: true } : {}),
        ...placeOf(service),
        overrides: { containerOverrides: [{ name: asked.process, command: [...asked.command] }] },
      }),
    );
    const arn = tasks[0]?.taskArn;
    if (arn === undefined) {
      const reasons = failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': ')).join('; ');
      throw new OperationsError(
        EXIT.unavailable,
        `Amazon ECS did not take the task (${reasons || 'it gave no reason'}): see with status whether instances have room.`,
      );
    }
    const log = logOf(aws, definition, asked.process, arn);
    return new RunningTask(aws, context.signal, cluster, arn, asked.process, log);
  }

  /** The end of its ARN. */
  get id(): string {
    return this.arn.split('/').at(-1) ?? this.arn;
  }

  /**
   * Waits until its container runs, healthy or not: it does not do what its process's health check asks for.
   * @throws OperationsError when it ends before, with the reason.
   */
  async untilRunning(tell: (detail: string) => void): Promise<void> {
    for (let look = 0; ; look += 1) {
      const task = await this.describe();
      if (task.lastStatus === 'STOPPED') {
        const last = (await this.log?.rest(this.signal))?.at(-1);
        const why = [reasonOf(task), ...(last === undefined ? [] : [`it wrote last: ${last}`])].join('; ');
        throw new OperationsError(EXIT.unavailable, `The task ${this.id} ended before it was seen running: ${why}.`);
      }
      if (task.containers?.some(({ name, lastStatus }) => name === this.container && lastStatus === 'RUNNING')) return;
      tell((task.lastStatus ?? '').toLowerCase());
      await pause(nextLookMs(look, POLL_MS), this.signal);
    }
  }

  /** Waits until it has ended. @param take gets what it writes, line by line, soon after it has. */
  async untilEnded(take: (line: string) => void, tell: (detail: string) => void): Promise<EndedTask> {
    for (let look = 0; ; look += 1) {
      const task = await this.describe();
      for (const line of (await this.log?.more()) ?? []) take(line);
      if (task.lastStatus === 'STOPPED') {
        for (const line of (await this.log?.rest(this.signal)) ?? []) take(line);
        const { exitCode } = task.containers?.find(({ name }) => name === this.container) ?? {};
        return { exitCode, reason: reasonOf(task), stoppedAt: task.executionStoppedAt ?? task.stoppedAt };
      }
      tell((task.lastStatus ?? '').toLowerCase());
      await pause(nextLookMs(look, POLL_MS), this.signal);
    }
  }

  async stop(reason: string): Promise<void> {
    await this.aws.ecs.send(new StopTaskCommand({ cluster: this.cluster, task: this.arn, reason }));
  }

  private async describe(): Promise<Task> {
    const { tasks = [] } = await this.aws.ecs.send(
      new DescribeTasksCommand({ cluster: this.cluster, tasks: [this.arn] }),
    );
    const [task] = tasks;
    if (task !== undefined) return task;
    if (performance.now() - this.takenAt < UNKNOWN_MS) return { lastStatus: 'PENDING' };
    throw new OperationsError(EXIT.unavailable, `Amazon ECS does not know the task ${this.id} any more.`);
  }
}

/** Where the containers of the service run, and with which addresses. */
function placeOf({ capacityProviderStrategy = [], networkConfiguration }: Service) {
  return {
    ...(capacityProviderStrategy.length === 0 ? {} : { capacityProviderStrategy }),
    ...(networkConfiguration?.awsvpcConfiguration === undefined ? {} : { networkConfiguration }),
  };
}

function logOf(aws: AwsClients, { content }: Definition, container: string, arn: string): TaskLog | undefined {
  const options = content.containerDefinitions?.find(({ name }) => name === container)?.logConfiguration?.options;
  const group = options?.['awslogs-group'];
  const prefix = options?.['awslogs-stream-prefix'];
  if (group === undefined || prefix === undefined) return undefined;
  return new TaskLog(aws, { group, stream: `${prefix}/${container}/${arn.split('/').at(-1) ?? ''}` });
}

function reasonOf({ stoppedReason, containers = [] }: Task): string {
  const reasons = [stoppedReason, ...containers.map(({ reason }) => reason)].filter(Boolean);
  return [...new Set(reasons)].join('; ').replace(/\.$/, '') || 'no reason given';
}
