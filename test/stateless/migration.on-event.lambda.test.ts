import type { MigrationEvent } from '../../lib/stateless/migration.event';
import { start } from '../../lib/stateless/migration.on-event.lambda';
import { awsClient } from './aws-client';

const EVENT: MigrationEvent = {
  RequestType: 'Update',
  RequestId: '7a1f0d1e-0000-4000-8000-000000000001',
  StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/library-dev-stateless/1',
  ResourceProperties: {
    Cluster: 'arn:aws:ecs:us-east-1:123456789012:cluster/library-dev',
    TaskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/library-dev-migration:7',
    CapacityProvider: 'on-demand',
    Container: 'migration',
    LogGroup: '/library/dev/migration',
    TimeoutMinutes: '30',
  },
};
const TASK = 'arn:aws:ecs:us-east-1:123456789012:task/library-dev/0123456789abcdef';
const NOW = Date.parse('2026-11-21T12:00:00Z');

function starter(status: string, answer: unknown = { tasks: [{ taskArn: TASK }] }) {
  const ecs = awsClient({ RunTask: answer });
  const cloudFormation = awsClient({ DescribeStacks: { Stacks: [{ StackStatus: status }] } });
  return { ecs, cloudFormation, now: () => NOW };
}

describe('the start of a migration', () => {
  test('runs one task in the cluster, on its capacity provider', async () => {
    const aws = starter('UPDATE_IN_PROGRESS');

    await expect(start(EVENT, aws)).resolves.toEqual({
      PhysicalResourceId: 'migration',
      Data: { TaskArn: TASK, StartedAt: '2026-11-21T12:00:00.000Z' },
    });
    expect(aws.ecs.asked).toEqual([
      {
        command: 'RunTask',
        input: expect.objectContaining({
          cluster: EVENT.ResourceProperties.Cluster,
          taskDefinition: EVENT.ResourceProperties.TaskDefinition,
          capacityProviderStrategy: [{ capacityProvider: 'on-demand', weight: 1 }],
          count: 1,
        }) as object,
      },
    ]);
    expect(aws.ecs.asked[0]?.input).not.toHaveProperty('launchType');
    expect(aws.ecs.asked[0]?.input).not.toHaveProperty('networkConfiguration');
  });

  test('asked twice with one request, runs one task', async () => {
    const aws = starter('UPDATE_IN_PROGRESS');

    await start(EVENT, aws);
    await start(EVENT, aws);

    expect(aws.ecs.asked.map(({ input }) => (input as { clientToken: string }).clientToken)).toEqual([
      EVENT.RequestId,
      EVENT.RequestId,
    ]);
  });

  test('gives the task its network in mode awsvpc', async () => {
    const aws = starter('CREATE_IN_PROGRESS');
    const ResourceProperties = { ...EVENT.ResourceProperties, Subnets: ['subnet-1'], SecurityGroups: ['sg-1'] };

    await start({ ...EVENT, RequestType: 'Create', ResourceProperties }, aws);

    expect(aws.ecs.asked[0]?.input).toMatchObject({
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] } },
    });
  });

  test.each(['UPDATE_ROLLBACK_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'])('runs nothing while %s', async (status) => {
    const aws = starter(status);

    await expect(start(EVENT, aws)).resolves.toEqual({ PhysicalResourceId: 'migration' });
    expect(aws.ecs.asked).toEqual([]);
  });

  test('does nothing on deletion', async () => {
    const aws = starter('DELETE_IN_PROGRESS');

    await expect(start({ ...EVENT, RequestType: 'Delete' }, aws)).resolves.toEqual({ PhysicalResourceId: 'migration' });
    expect([...aws.ecs.asked, ...aws.cloudFormation.asked]).toEqual([]);
  });

  test('fails with the reason when Amazon ECS does not take the task', async () => {
    const aws = starter('UPDATE_IN_PROGRESS', { tasks: [], failures: [{ reason: 'RESOURCE:MEMORY', detail: '256' }] });

    await expect(start(EVENT, aws)).rejects.toThrow('Amazon ECS did not take the migration: RESOURCE:MEMORY: 256');
  });
});
