import {
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  paginateListTaskDefinitions,
} from '@aws-sdk/client-ecs';
import type { Tag, TaskDefinition } from '@aws-sdk/client-ecs';
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

/** What runs it goes on; nothing new can be told to run it. */
export async function deregister(aws: AwsClients, arn: string): Promise<void> {
  await aws.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn }));
}

/** ARNs of active revisions of the family above that one, newest first. */
export async function newerRevisions(aws: AwsClients, { family, revision }: Definition): Promise<string[]> {
  const newer: string[] = [];
  const asked = { familyPrefix: family, status: 'ACTIVE', sort: 'DESC', maxResults: 100 } as const;
  for await (const { taskDefinitionArns = [] } of paginateListTaskDefinitions({ client: aws.ecs }, asked)) {
    const own = taskDefinitionArns.filter((arn) => isOfFamily(arn, family));
    newer.push(...own.filter((arn) => Number(revisionOf(arn)) > revision));
    if (own.some((arn) => Number(revisionOf(arn)) <= revision)) break;
  }
  return newer;
}

/** A prefix of families finds those that begin with it, too. */
export function isOfFamily(arn: string, family: string): boolean {
  return arn.split('/').at(-1)?.split(':')[0] === family;
}

/** The number behind the last colon. */
export function revisionOf(arn: string): string {
  return arn.split(':').at(-1) ?? '';
}
