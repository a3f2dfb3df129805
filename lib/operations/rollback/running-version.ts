import type { Service } from '@aws-sdk/client-ecs';
import { serviceNamed, servicesOf } from '../aws/services';
import { definitionOf } from '../aws/task-definitions';
import type { Definition } from '../aws/task-definitions';
import type { OperationsContext } from '../context';

/** A process and what it runs. */
export interface RunningVersion {
  readonly process: string;
  readonly service: Service;
  readonly definition: Definition;
}

/** @param process one of them. @default all */
export async function runningVersions(context: OperationsContext, process?: string): Promise<RunningVersion[]> {
  const aws = await context.aws();
  const services = await servicesOf(aws, await context.configuration());
  const chosen = process === undefined ? services : [serviceNamed(services, process)];
  return Promise.all(
    chosen.map(async (service) => ({
      process: service.serviceName ?? '',
      service,
      definition: await definitionOf(aws, service.taskDefinition ?? ''),
    })),
  );
}
