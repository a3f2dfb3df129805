import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ECSClient, RunTaskCommand } from '@aws-sdk/client-ecs';
import type { MigrationEvent, MigrationProperties, MigrationStart } from './migration.event';

export interface MigrationStarter {
  readonly ecs: Pick<ECSClient, 'send'>;
  readonly cloudFormation: Pick<CloudFormationClient, 'send'>;
  /** @returns milliseconds since the epoch */
  readonly now: () => number;
}

/** Constant: CloudFormation deletes the old resource when a new id comes back. */
const PHYSICAL_ID = 'migration';

/**
 * Starts the migration's task. Deletion does nothing, nor does a rollback, which CloudFormation sends as an update back
 * to the old properties: running the old version's migration again would mend nothing and might fail the rollback.
 * @throws when Amazon ECS does not accept the task.
 */
export async function start(event: MigrationEvent, starter: MigrationStarter): Promise<MigrationStart> {
  const nothing = { PhysicalResourceId: PHYSICAL_ID };
  if (event.RequestType === 'Delete' || (await isRollingBack(event.StackId, starter))) return nothing;
  const { tasks = [], failures = [] } = await starter.ecs.send(
    new RunTaskCommand(runTask(event.RequestId, event.ResourceProperties)),
  );
  const [task] = tasks;
  if (task?.taskArn === undefined) {
    const reasons = failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': '));
    throw new Error(`Amazon ECS did not take the migration: ${reasons.join('; ') || 'it gave no reason'}`);
  }
  return { ...nothing, Data: { TaskArn: task.taskArn, StartedAt: new Date(starter.now()).toISOString() } };
}

function runTask(
  clientToken: string,
  properties: MigrationProperties,
): ConstructorParameters<typeof RunTaskCommand>[0] {
  const { Cluster, TaskDefinition, CapacityProvider, Subnets, SecurityGroups } = properties;
  return {
    cluster: Cluster,
    taskDefinition: TaskDefinition,
    capacityProviderStrategy: [{ capacityProvider: CapacityProvider, weight: 1 }],
    count: 1,
    // The same request asked twice, as the framework does after a time-out, runs one task.
    clientToken,
    startedBy: PHYSICAL_ID,
    propagateTags: 'TASK_DEFINITION',
    enableECSManagedTags: true,
    ...(Subnets === undefined
      ? {}
      : {
          networkConfiguration: {
            awsvpcConfiguration: { subnets: [...Subnets], securityGroups: [...(SecurityGroups ?? [])] },
          },
        }),
  };
}

async function isRollingBack(StackName: string, { cloudFormation }: MigrationStarter): Promise<boolean> {
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
  return Stacks.some(({ StackStatus }) => StackStatus?.includes('ROLLBACK') === true);
}

/**
 * Attempts of each call, by the clients themselves, with up to 20 s between two: the provider framework asks this
 * handler once, so that an error of a moment would fail the deploy, or leave a migration running that was taken.
 */
const CLIENT = { maxAttempts: 8 } as const;

export const handler = (event: MigrationEvent): Promise<MigrationStart> =>
  start(event, { ecs: new ECSClient(CLIENT), cloudFormation: new CloudFormationClient(CLIENT), now: Date.now });
