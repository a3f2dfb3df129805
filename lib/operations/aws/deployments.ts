import { DescribeTasksCommand, paginateListTasks, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import type { Deployment, Service } from '@aws-sdk/client-ecs';
import { clusterName } from '../../config';
import type { StageName } from '../../config';
import { EXIT, OperationsError } from '../exit-codes';
import { counted } from '../output/amounts';
import type { AwsClients } from './clients';
import { isSteady, nextLookMs, pause, serviceNamed, servicesOf } from './services';

/** What Amazon ECS describes in one call. */
const MOST_DESCRIBED = 100;
const POLL_MS = 5_000;

/** A deployment that failed, was taken back, or gave way to another. */
export class DeploymentError extends OperationsError {
  override readonly name = 'DeploymentError';
  constructor(
    readonly service: string,
    reason: string,
  ) {
    super(
      EXIT.unavailable,
      `The deployment of ${service} failed (${reason.replace(/\.$/, '')}): see npx holdfast logs ${service}.`,
    );
  }
}

/** A deployment of a service that was asked for. */
export interface AskedDeployment {
  readonly service: string;
  readonly id: string;
}

/** What a service is to run: another definition, or the same in new containers. */
export type ServiceChange = { readonly taskDefinition: string } | { readonly forceNewDeployment: true };

export async function deployService(
  aws: AwsClients,
  stage: StageName,
  service: string,
  change: ServiceChange,
): Promise<AskedDeployment> {
  const answer = await aws.ecs.send(new UpdateServiceCommand({ cluster: clusterName(stage), service, ...change }));
  const id = primaryOf(answer.service)?.id;
  if (id !== undefined) return { service, id };
  throw new OperationsError(EXIT.unavailable, `Amazon ECS changed ${service} without telling its deployment.`);
}

/** Starts new containers of the services, which read their secrets anew, and stops the old ones by their drain. */
export async function rollServices(
  aws: AwsClients,
  stage: StageName,
  names: readonly string[],
  signal: AbortSignal,
): Promise<AskedDeployment[]> {
  const asked: AskedDeployment[] = [];
  for (const service of names) {
    signal.throwIfAborted();
    asked.push(await deployService(aws, stage, service, { forceNewDeployment: true }));
  }
  return asked;
}

/** What became of a deployment that was asked for; a reason only with `failed`. */
export type DeploymentState =
  { readonly state: 'waiting' | 'done' } | { readonly state: 'failed'; readonly reason: string };

/**
 * @param wasSeen whether the deployment was there at an earlier look: right after UpdateService, Amazon ECS may still show
 * the deployments of before.
 */
export function deploymentState(service: Service, id: string, wasSeen: boolean): DeploymentState {
  const own = service.deployments?.find((deployment) => deployment.id === id);
  if (own?.rolloutState === 'FAILED') {
    return { state: 'failed', reason: own.rolloutStateReason ?? 'no reason given' };
  }
  if (own?.status === 'PRIMARY') return { state: isSteady(service) ? 'done' : 'waiting' };
  if (own === undefined && !wasSeen) return { state: 'waiting' };
  const reason = primaryOf(service)?.rolloutStateReason ?? '';
  return { state: 'failed', reason: `another one has taken its place${reason === '' ? '' : `: ${reason}`}` };
}

function primaryOf(service: Service | undefined): Deployment | undefined {
  return service?.deployments?.find(({ status }) => status === 'PRIMARY');
}

/**
 * Waits until the services have only the containers of the deployments that were asked for, and those of before have ended.
 * @param tell hears how far it is.
 * @throws DeploymentError when one fails, is rolled back or replaced.
 */
export async function untilSteady(
  aws: AwsClients,
  stage: StageName,
  asked: readonly AskedDeployment[],
  tell: (detail: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  for (let look = 0; ; look += 1) {
    const services = await servicesOf(aws, stage);
    const busy = asked.filter(({ service: name, id }) => {
      const service = serviceNamed(services, name);
      const now = deploymentState(service, id, seen.has(id));
      if (now.state === 'failed') throw new DeploymentError(name, now.reason);
      if (service.deployments?.some((deployment) => deployment.id === id) === true) seen.add(id);
      return now.state === 'waiting';
    });
    const rest = busy.length > 0 ? busy.map(({ service }) => service) : await whereContainersEnd(aws, stage, asked);
    if (rest.length === 0) return;
    tell(rest.join(', '));
    await pause(nextLookMs(look, POLL_MS), signal);
  }
}

/**
 * The services where containers of before still end, with their number. Those have been told to stop, so the counts of a
 * service leave them out; they finish what they run within their stop time-out.
 * Source: Amazon ECS API reference, "ListTasks", `desiredStatus`, which lists what has stopped for an hour, and "Task",
 * `startedBy`, which is the id of the deployment.
 */
async function whereContainersEnd(
  aws: AwsClients,
  stage: StageName,
  asked: readonly AskedDeployment[],
): Promise<string[]> {
  const ending = await Promise.all(
    asked.map(async ({ service, id }) => ({ service, count: await endingContainers(aws, stage, service, id) })),
  );
  return ending
    .filter(({ count }) => count > 0)
    .map(
      ({ service, count }) =>
        `${service}, where ${counted(count, 'container')} of before still ${count === 1 ? 'ends' : 'end'}`,
    );
}

async function endingContainers(aws: AwsClients, stage: StageName, serviceName: string, id: string): Promise<number> {
  const cluster = clusterName(stage);
  const asked = { cluster, serviceName, desiredStatus: 'STOPPED', maxResults: MOST_DESCRIBED } as const;
  let count = 0;
  for await (const { taskArns = [] } of paginateListTasks({ client: aws.ecs }, asked)) {
    if (taskArns.length === 0) continue;
    const { tasks = [] } = await aws.ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
    count += tasks.filter(({ lastStatus, startedBy }) => lastStatus !== 'STOPPED' && startedBy !== id).length;
  }
  return count;
}
