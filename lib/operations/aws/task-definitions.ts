import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import type { Service, Tag, TaskDefinition } from '@aws-sdk/client-ecs';
import { ROLLED_BACK_FROM } from '../../config';
import { EXIT, OperationsError } from '../exit-codes';
import type { AwsClients } from './clients';
import { isAwsError } from './told-error';

export interface Definition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  readonly content: TaskDefinition;
  readonly tags: readonly Tag[];
}

/** @param named an ARN, `family:revision`, or a family for its newest active one. */
export async function definitionOf(aws: AwsClients, named: string): Promise<Definition> {
  const { taskDefinition: content, tags = [] } = await aws.ecs.send(
    new DescribeTaskDefinitionCommand({ taskDefinition: named, include: ['TAGS'] }),
  );
  const { taskDefinitionArn: arn, family, revision } = content ?? {};
  if (content === undefined || arn === undefined || family === undefined || revision === undefined) {
    throw new OperationsError(EXIT.unavailable, `Amazon ECS describes the task definition ${named} without its name.`);
  }
  return { arn, family, revision, content, tags };
}

/** As `definitionOf`. @returns undefined for one that is not there, or that Amazon ECS has forgotten. */
export async function definitionIfThere(aws: AwsClients, named: string): Promise<Definition | undefined> {
  try {
    return await definitionOf(aws, named);
  } catch (error) {
    if (isAwsError(error, 'ClientException')) return undefined;
    throw error;
  }
}

/** The version of a process that was deployed and is not run since somebody rolled back. */
export interface RolledBack {
  readonly process: string;
  /** Revision of the task definition that runs instead, and since when it is there. */
  readonly to: number;
  readonly at: Date | undefined;
  /** ARN and revision of the one that was deployed. */
  readonly fromArn: string;
  readonly from: string;
}

/** @returns undefined while the process runs what was deployed: the next deploy that changes it ends a rollback. */
export function rolledBackOf({ serviceName = '' }: Service, definition: Definition): RolledBack | undefined {
  const fromArn = definition.tags.find(({ key }) => key === ROLLED_BACK_FROM)?.value;
  if (fromArn === undefined) return undefined;
  return {
    process: serviceName,
    to: definition.revision,
    at: definition.content.registeredAt,
    fromArn,
    from: revisionOf(fromArn),
  };
}

export async function rolledBackAmong(aws: AwsClients, services: readonly Service[]): Promise<RolledBack[]> {
  const found = await Promise.all(
    services.map(async (service) => rolledBackOf(service, await definitionOf(aws, service.taskDefinition ?? ''))),
  );
  return found.filter((each) => each !== undefined);
}

/** The number behind the last colon. */
export function revisionOf(arn: string): string {
  return arn.split(':').at(-1) ?? '';
}
