import { RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs';
import type { RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import { ROLLED_BACK_FROM } from '../../config';
import type { AwsClients } from '../aws/clients';
import type { Definition } from '../aws/task-definitions';
import { EXIT, OperationsError } from '../exit-codes';

const COPIED = [
  ...['family', 'taskRoleArn', 'executionRoleArn', 'networkMode', 'containerDefinitions', 'volumes'],
  ...['placementConstraints', 'requiresCompatibilities', 'cpu', 'memory', 'pidMode', 'ipcMode', 'proxyConfiguration'],
  ...['inferenceAccelerators', 'ephemeralStorage', 'runtimePlatform', 'enableFaultInjection'],
];

/**
 * Registers the same definition as a new revision that says by a tag what it runs in place of.
 * @param deployed the ARN of that.
 * @returns its own ARN.
 */
export async function registerAgain(aws: AwsClients, earlier: Definition, deployed: string): Promise<string> {
  const content = Object.fromEntries(
    Object.entries(earlier.content).filter(([name, value]) => COPIED.includes(name) && isSaid(value)),
  ) as unknown as RegisterTaskDefinitionCommandInput;
  const { taskDefinition } = await aws.ecs.send(
    new RegisterTaskDefinitionCommand({
      ...content,
      tags: [
        // Tags of AWS's own cannot be given.
        ...earlier.tags.filter(({ key = '' }) => !key.startsWith('aws:') && key !== ROLLED_BACK_FROM),
        { key: ROLLED_BACK_FROM, value: deployed },
      ],
    }),
  );
  const arn = taskDefinition?.taskDefinitionArn;
  if (arn !== undefined) return arn;
  throw new OperationsError(EXIT.unavailable, `Amazon ECS registered ${earlier.family} without telling its revision.`);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
