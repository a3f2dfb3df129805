import {
  DescribeServiceRevisionsCommand,
  ListServiceDeploymentsCommand,
  ListTaskDefinitionsCommand,
} from '@aws-sdk/client-ecs';
import type { Service } from '@aws-sdk/client-ecs';
import { clusterName, ROLLED_BACK_FROM } from '../../config';
import type { StageName } from '../../config';
import type { AwsClients } from '../aws/clients';
import { definitionIfThere, isOfFamily, revisionOf } from '../aws/task-definitions';
import type { Definition } from '../aws/task-definitions';

/** What Amazon ECS describes in one call. */
const MOST_DESCRIBED = 20;

/**
 * The definition that the service ran before `current`: the newest other one of a deployment that ended well, else, where
 * Amazon ECS knows of none (it forgets after 90 days), the next lower revision of the family.
 * A deploy deregisters what it replaces; such a definition can be described, and registered again. What somebody has rolled
 * back from since is left out.
 * @returns undefined for a service that has run nothing else.
 */
export async function previousVersion(
  aws: AwsClients,
  stage: StageName,
  service: Service,
  current: Definition,
): Promise<Definition | undefined> {
  const candidates = [
    ...(await deployedDefinitions(aws, stage, service)),
    ...(await lowerRevisions(aws, current)),
  ].filter((arn) => arn !== current.arn);
  const replaced = new Set<string>();
  for (const arn of candidates) {
    if (replaced.has(arn)) continue;
    const found = await definitionIfThere(aws, arn);
    if (found === undefined) continue;
    const instead = found.tags.find(({ key }) => key === ROLLED_BACK_FROM)?.value;
    if (instead === undefined) return found;
    // A copy that an earlier rollback has made: what it ran in place of was bad, and what it is a copy of comes later.
    replaced.add(instead);
  }
  return undefined;
}

/** ARNs of what ended well as a deployment of the service, newest first. */
async function deployedDefinitions(aws: AwsClients, stage: StageName, { serviceArn }: Service): Promise<string[]> {
  const { serviceDeployments = [] } = await aws.ecs.send(
    new ListServiceDeploymentsCommand({
      cluster: clusterName(stage),
      service: serviceArn,
      status: ['SUCCESSFUL'],
      maxResults: 100,
    }),
  );
  const revisions = [...serviceDeployments]
    .sort((a, b) => (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0))
    .flatMap(({ targetServiceRevisionArn }) => targetServiceRevisionArn ?? [])
    .slice(0, MOST_DESCRIBED);
  if (revisions.length === 0) return [];
  const { serviceRevisions = [] } = await aws.ecs.send(
    new DescribeServiceRevisionsCommand({ serviceRevisionArns: revisions }),
  );
  return revisions.flatMap(
    (arn) => serviceRevisions.find((revision) => revision.serviceRevisionArn === arn)?.taskDefinition ?? [],
  );
}

async function lowerRevisions(aws: AwsClients, { family, revision }: Definition): Promise<string[]> {
  const found: string[] = [];
  for (const status of ['ACTIVE', 'INACTIVE'] as const) {
    const { taskDefinitionArns = [] } = await aws.ecs.send(
      new ListTaskDefinitionsCommand({ familyPrefix: family, status, sort: 'DESC', maxResults: 100 }),
    );
    found.push(...taskDefinitionArns.filter((arn) => isOfFamily(arn, family)));
  }
  return found
    .filter((arn) => Number(revisionOf(arn)) < revision)
    .sort((a, b) => Number(revisionOf(b)) - Number(revisionOf(a)))
    .slice(0, MOST_DESCRIBED);
}
