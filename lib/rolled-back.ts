import { DescribeServicesCommand, DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { clusterName, ROLLED_BACK_FROM } from './config';
import type { StageConfiguration } from './config';

/** A warning is not worth waiting longer for. */
const LIMIT_MS = 4_000;
const CLIENT = { maxAttempts: 1, requestHandler: { connectionTimeout: 2_000, requestTimeout: LIMIT_MS } } as const;

/**
 * What a deploy ought to know of `holdfast rollback`, which CloudFormation knows nothing of.
 * @returns a sentence; undefined when nothing is rolled back, or AWS cannot be asked.
 */
export async function rolledBackWarning(configuration: StageConfiguration): Promise<string | undefined> {
  const ecs = new ECSClient({ ...CLIENT, region: configuration.region });
  try {
    const processes = await rolledBackProcesses(ecs, configuration);
    if (processes.length === 0) return undefined;
    return `Rolled back by npx holdfast rollback: ${processes.join(', ')} of stage ${configuration.stage}. A deploy replaces those whose image or settings it changes; the others stay rolled back until npx holdfast rollback --undo. A deploy that fails brings the deployed version back: roll back again then.`;
  } catch {
    // The deploy itself says what is wrong with credentials, and a new stage has no cluster.
    return undefined;
  } finally {
    ecs.destroy();
  }
}

async function rolledBackProcesses(ecs: ECSClient, configuration: StageConfiguration): Promise<string[]> {
  const abortSignal = AbortSignal.timeout(LIMIT_MS);
  const { workers, scheduler } = configuration;
  const names = [
    'web',
    ...Object.keys(workers).map((kind) => `worker-${kind}`),
    ...(scheduler === undefined ? [] : ['scheduler']),
  ];
  const found = await Promise.all(
    names.map(async (service) => {
      const cluster = clusterName(configuration);
      const { services: [described] = [] } = await ecs.send(
        new DescribeServicesCommand({ cluster, services: [service] }),
        { abortSignal },
      );
      if (described?.taskDefinition === undefined) return [];
      const { tags = [] } = await ecs.send(
        new DescribeTaskDefinitionCommand({ taskDefinition: described.taskDefinition, include: ['TAGS'] }),
        { abortSignal },
      );
      return tags.some(({ key }) => key === ROLLED_BACK_FROM) ? [service] : [];
    }),
  );
  return found.flat();
}
