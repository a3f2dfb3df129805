import type { Service } from '@aws-sdk/client-ecs';
import { ROLLED_BACK_FROM } from '../../config';
import type { AwsClients } from './clients';
import { definitionIfThere, definitionOf, newerRevisions, revisionOf } from './task-definitions';
import type { Definition } from './task-definitions';

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

/** A rollback that something else than `rollback --undo` has ended: a process runs again what somebody rolled back from. */
export interface EndedRollback {
  readonly process: string;
  /** Revision that runs again. */
  readonly running: number;
  /** Revision of the newest copy that ran instead. */
  readonly was: number;
  /** ARNs of all such copies, newest first. */
  readonly copies: readonly string[];
}

/**
 * Amazon ECS and CloudFormation know nothing of a rollback: a deploy that fails, or that changes only a setting of the
 * service, sends the template's definition again. What stays of the rollback is the copy that `rollback` has registered:
 * active, newer than what runs, with its tag. `rollback --undo` deregisters it.
 */
export async function endedRollbackOf(
  aws: AwsClients,
  { serviceName = '' }: Service,
  definition: Definition,
): Promise<EndedRollback | undefined> {
  const copies = await copiesInsteadOf(aws, definition);
  const [newest] = copies;
  if (newest === undefined) return undefined;
  return {
    ...{ process: serviceName, running: definition.revision, was: newest.revision },
    copies: copies.map(({ arn }) => arn),
  };
}

/** Active revisions that a rollback has registered to run in place of `definition`, newest first. */
export async function copiesInsteadOf(aws: AwsClients, definition: Definition): Promise<Definition[]> {
  const newer = await newerRevisions(aws, definition);
  const found = await Promise.all(newer.map((arn) => definitionIfThere(aws, arn)));
  return found
    .filter((each) => each !== undefined)
    .filter(({ tags }) => tags.some(({ key, value }) => key === ROLLED_BACK_FROM && value === definition.arn));
}

/** What rollbacks have made of the services: those that hold, and those that something else has ended. */
export async function rollbacksAmong(
  aws: AwsClients,
  services: readonly Service[],
): Promise<{ readonly rolledBack: RolledBack[]; readonly ended: EndedRollback[] }> {
  const found = await Promise.all(
    services.map(async (service) => {
      const definition = await definitionOf(aws, service.taskDefinition ?? '');
      const rolledBack = rolledBackOf(service, definition);
      return { rolledBack, ended: rolledBack ? undefined : await endedRollbackOf(aws, service, definition) };
    }),
  );
  return {
    rolledBack: found.flatMap(({ rolledBack }) => rolledBack ?? []),
    ended: found.flatMap(({ ended }) => ended ?? []),
  };
}
