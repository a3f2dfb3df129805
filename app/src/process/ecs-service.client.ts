import { DescribeServicesCommand } from '@aws-sdk/client-ecs';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { abortAfter } from './abort-after';
import type { TaskMetadata } from './ecs-agent.client';

/** What a worker has to know about the service that it belongs to. */
export interface ServicePlace {
  /** The primary deployment has another task definition than ours, and all the tasks that it wants run. */
  readonly superseded: boolean;
  /** Ours is the primary deployment's task definition. */
  readonly current: boolean;
  /**
   * Ours is the primary deployment's task definition, and that deployment runs more tasks than it wants: it waits to scale
   * in. Tasks of the version before, which a rollout still drains, do not count.
   */
  readonly tooMany: boolean;
}

/** An Amazon ECS client as far as it is used: for a stub in tests. */
export type DescribesServices = Pick<ECSClient, 'send'>;

const TIMEOUT_MS = 10_000;

/**
 * Where the task with this metadata stands in its service. The task's role needs ecs:DescribeServices on the service.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
 * @returns undefined when the task belongs to no service, or Amazon ECS does not know it (any more).
 * @throws what the client throws, at the latest after 10 s.
 */
export async function placeInService(
  client: DescribesServices,
  { Cluster, Family, Revision, ServiceName }: TaskMetadata,
  signal: AbortSignal,
): Promise<ServicePlace | undefined> {
  if (ServiceName === undefined) return undefined;
  const command = new DescribeServicesCommand({ cluster: Cluster, services: [ServiceName] });
  const answer = await abortAfter(TIMEOUT_MS, signal, (abortSignal) => client.send(command, { abortSignal }));
  const primary = answer.services?.[0]?.deployments?.find((deployment) => deployment.status === 'PRIMARY');
  if (primary === undefined) return undefined;
  // arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION
  const current = primary.taskDefinition?.split('/').at(-1) === `${Family}:${Revision}`;
  const { runningCount = 0, desiredCount = 0 } = primary;
  return {
    current,
    superseded: !current && runningCount >= desiredCount,
    tooMany: current && runningCount > desiredCount,
  };
}
