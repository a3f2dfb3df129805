import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ListServicesCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import type { Deployment, Service } from '@aws-sdk/client-ecs';
import { clusterName } from '../../config';
import type { StageName } from '../../config';
import { similarTo } from '../../config/similar';
import { EXIT, OperationsError, missingError } from '../exit-codes';
import type { AwsClients } from './clients';
import { isAwsError } from './told-error';

/** What Amazon ECS describes in one call. */
const MOST_DESCRIBED = 10;
const POLL_MS = 5_000;
const FIRST_LOOK_MS = 250;

/** The services of the stage's cluster, in the order of their names, but web first. @throws OperationsError without the cluster. */
export async function servicesOf(aws: AwsClients, stage: StageName): Promise<Service[]> {
  const cluster = clusterName(stage);
  const arns = await serviceArns(aws, cluster);
  const services: Service[] = [];
  for (let at = 0; at < arns.length; at += MOST_DESCRIBED) {
    const some = arns.slice(at, at + MOST_DESCRIBED);
    services.push(...((await aws.ecs.send(new DescribeServicesCommand({ cluster, services: some }))).services ?? []));
  }
  const rank = ({ serviceName = '' }: Service): string => `${serviceName === 'web' ? 0 : 1}${serviceName}`;
  return services.filter(({ status }) => status !== 'INACTIVE').sort((a, b) => rank(a).localeCompare(rank(b)));
}

async function serviceArns(aws: AwsClients, cluster: string): Promise<string[]> {
  const arns: string[] = [];
  let token: string | undefined;
  try {
    do {
      const answer = await aws.ecs.send(
        new ListServicesCommand({ cluster, maxResults: 100, ...(token === undefined ? {} : { nextToken: token }) }),
      );
      arns.push(...(answer.serviceArns ?? []));
      token = answer.nextToken;
    } while (token !== undefined);
  } catch (error) {
    if (!isAwsError(error, 'ClusterNotFoundException')) throw error;
    throw missingError(`There is no ECS cluster ${cluster} in ${aws.region}: deploy the stage's stateless stack.`);
  }
  return arns;
}

/** The service of a process. @throws OperationsError that names those that there are. */
export function serviceNamed(services: readonly Service[], process: string): Service {
  const names = services.map(({ serviceName = '' }) => serviceName);
  const found = services.find(({ serviceName }) => serviceName === process);
  if (found !== undefined) return found;
  if (names.length === 0) {
    throw missingError(
      `The cluster has no services, so no process ${process} either: deploy the stage's stateless stack.`,
    );
  }
  const meant = similarTo(process, names);
  throw missingError(
    `The process is "${process}"; allowed is ${names.join(' or ')}${meant === undefined ? '' : `: write ${meant}`}.`,
  );
}

/** Whether its newest deployment alone has containers, as many as are wanted; one that failed may stay listed without. */
export function isSteady({ deployments = [], runningCount = 0, desiredCount = 0, pendingCount = 0 }: Service): boolean {
  const others = deployments.filter(({ status }) => status !== 'PRIMARY');
  const areGone = others.every((other) => (other.runningCount ?? 0) === 0 && (other.pendingCount ?? 0) === 0);
  return others.length < deployments.length && areGone && runningCount === desiredCount && pendingCount === 0;
}

/** A service and the references of the secrets that its containers read when they start. */
export interface SecretReader {
  readonly service: string;
  readonly references: readonly string[];
}

/** What each service reads, sidecars included, by the task definitions that run. */
export async function secretReaders(aws: AwsClients, services: readonly Service[]): Promise<SecretReader[]> {
  return Promise.all(
    services.map(async ({ serviceName = '', taskDefinition: named }) => {
      const { taskDefinition } = await aws.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: named }));
      const secrets = (taskDefinition?.containerDefinitions ?? []).flatMap((container) => container.secrets ?? []);
      return { service: serviceName, references: secrets.flatMap(({ valueFrom }) => valueFrom ?? []) };
    }),
  );
}

/** Names of the services that read the secret. */
export function readersOf(readers: readonly SecretReader[], secretArn: string): string[] {
  // With a field the reference goes on behind the ARN.
  const isOf = (reference: string): boolean => reference === secretArn || reference.startsWith(`${secretArn}:`);
  return readers.filter(({ references }) => references.some(isOf)).map(({ service }) => service);
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
 * Waits until the services have only the containers of the deployments that were asked for.
 * @param tell hears how far it is.
 * @throws OperationsError when a deployment fails, is rolled back or replaced, or Ctrl-C is pressed.
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
      if (now.state === 'failed') throw deploymentFailed(name, now.reason);
      if (service.deployments?.some((deployment) => deployment.id === id) === true) seen.add(id);
      return now.state === 'waiting';
    });
    if (busy.length === 0) return;
    tell(busy.map(({ service }) => service).join(', '));
    await pause(nextLookMs(look, POLL_MS), signal);
  }
}

function deploymentFailed(service: string, reason: string): OperationsError {
  return new OperationsError(
    EXIT.unavailable,
    `The deployment of ${service} failed (${reason.replace(/\.$/, '')}): see npx holdfast logs ${service}.`,
  );
}

/** Soon at first, for what is quick, then ever later up to `most`. @returns milliseconds */
export function nextLookMs(look: number, most: number): number {
  return Math.min(most, FIRST_LOOK_MS * 2 ** look);
}

/** Waits, unless Ctrl-C is pressed. @throws when it is. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
