import {
  DescribeServiceRevisionsCommand,
  DescribeTaskDefinitionCommand,
  ListServiceDeploymentsCommand,
  ListTaskDefinitionsCommand,
} from '@aws-sdk/client-ecs';
import { ROLLED_BACK_FROM } from '../../../lib/config';
import type { AwsClients } from '../../../lib/operations/aws/clients';
import { definitionOf } from '../../../lib/operations/aws/task-definitions';
import { AwsError } from '../../../lib/operations/aws/told-error';
import { EXIT } from '../../../lib/operations/exit-codes';
import { previousVersion } from '../../../lib/operations/rollback/previous-version';

const arnOf = (revision: number) => `arn:aws:ecs:us-east-1:1:task-definition/shop-test-web:${revision}`;

interface History {
  /** What deployments that ended well ran, oldest first. */
  readonly deployed: readonly number[];
  /** Copies that a rollback has made, by what they ran in place of. */
  readonly copies?: Readonly<Record<number, number>>;
  readonly forgotten?: readonly number[];
}

/** An account whose Amazon ECS remembers that. */
function accountOf({ deployed, copies = {}, forgotten = [] }: History): AwsClients {
  const describe = (revision: number): object => {
    if (forgotten.includes(revision)) throw new AwsError(EXIT.unavailable, 'Unable.', 'ClientException', undefined);
    const instead = copies[revision];
    return {
      taskDefinition: { taskDefinitionArn: arnOf(revision), family: 'shop-test-web', revision },
      tags: instead === undefined ? [] : [{ key: ROLLED_BACK_FROM, value: arnOf(instead) }],
    };
  };
  const answer = (command: object): object => {
    if (command instanceof ListServiceDeploymentsCommand) {
      return {
        serviceDeployments: deployed.map((revision, at) => ({
          targetServiceRevisionArn: String(revision),
          createdAt: new Date(at),
        })),
      };
    }
    if (command instanceof DescribeServiceRevisionsCommand) {
      return {
        serviceRevisions: command.input.serviceRevisionArns?.map((arn) => ({
          serviceRevisionArn: arn,
          taskDefinition: arnOf(Number(arn)),
        })),
      };
    }
    if (command instanceof DescribeTaskDefinitionCommand) {
      return describe(Number(command.input.taskDefinition?.split(':').at(-1)));
    }
    if (command instanceof ListTaskDefinitionsCommand) return { taskDefinitionArns: [] };
    throw new Error(`not expected: ${command.constructor.name}`);
  };
  return {
    ecs: { send: (command: object) => new Promise((resolve) => resolve(answer(command))) },
  } as unknown as AwsClients;
}

async function before(history: History): Promise<number | undefined> {
  const aws = accountOf(history);
  const current = await definitionOf(aws, arnOf(history.deployed.at(-1)!));
  return (await previousVersion(aws, { name: 'shop', stage: 'test' }, { serviceArn: 'web' }, current))?.revision;
}

describe('the version before', () => {
  it('is the newest other one that was deployed', async () => {
    expect(await before({ deployed: [1, 2, 3] })).toBe(2);
  });

  it('is none that somebody has rolled back from', async () => {
    // 2 was bad, 3 is the copy of 1 that ran instead, 4 is bad too.
    expect(await before({ deployed: [1, 2, 3, 4], copies: { 3: 2 } })).toBe(1);
  });

  it('is one whose rollback was undone', async () => {
    expect(await before({ deployed: [1, 2, 3, 2, 4], copies: { 3: 2 } })).toBe(2);
  });

  it('is none that Amazon ECS has forgotten', async () => {
    expect(await before({ deployed: [1, 2, 3], forgotten: [2] })).toBe(1);
    expect(await before({ deployed: [1, 2], forgotten: [1] })).toBeUndefined();
  });
});
