import { DescribeServicesCommand, DescribeTaskDefinitionCommand, ListServicesCommand } from '@aws-sdk/client-ecs';
import type { Service } from '@aws-sdk/client-ecs';
import { clusterName } from '../../config';
import type { StageName } from '../../config';
import { similarTo } from '../../config/similar';
import { missingError } from '../exit-codes';
import type { AwsClients } from './clients';
import { isAwsError } from './told-error';

/** What Amazon ECS describes in one call. */
const MOST_DESCRIBED = 10;
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

/**
 * Whether its newest deployment is complete and alone has containers, as many as are wanted; one that failed may stay
 * listed without. Until the alarms that may take it back have been watched for a while, it is under way although it is alone.
 * Source: ECS API reference, "Deployment", `rolloutState`; developer guide, "CloudWatch alarms", bake time.
 */
export function isSteady({ deployments = [], runningCount = 0, desiredCount = 0, pendingCount = 0 }: Service): boolean {
  const newest = deployments.find(({ status }) => status === 'PRIMARY');
  const others = deployments.filter((deployment) => deployment !== newest);
  const isComplete = newest !== undefined && (newest.rolloutState ?? 'COMPLETED') === 'COMPLETED';
  const areGone = others.every((other) => (other.runningCount ?? 0) === 0 && (other.pendingCount ?? 0) === 0);
  return isComplete && areGone && runningCount === desiredCount && pendingCount === 0;
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
