import { release } from '../../lib/stateless/scale-in-release.on-event.lambda';
import type { ScaleInReleaseEvent } from '../../lib/stateless/scale-in-release.on-event.lambda';
import { awsClient } from './aws-client';

const event = (RequestType: ScaleInReleaseEvent['RequestType']): ScaleInReleaseEvent => ({
  RequestType,
  ResourceProperties: { AutoScalingGroupName: 'fleet' },
});
const instance = (id: number, LifecycleState = 'InService') => ({
  InstanceId: `i-${id}`,
  LifecycleState,
  ProtectedFromScaleIn: true,
});

describe('what lets the fleet be deleted', () => {
  test('takes protection and draining hook off the group', async () => {
    const autoScaling = awsClient({
      DescribeAutoScalingGroups: { AutoScalingGroups: [{ Instances: [instance(1), instance(2, 'Terminating:Wait')] }] },
      DescribeLifecycleHooks: { LifecycleHooks: [{ LifecycleHookName: 'ecs-managed-draining-termination-hook' }] },
    });

    await expect(release(event('Delete'), autoScaling)).resolves.toEqual({ PhysicalResourceId: 'fleet' });

    expect(autoScaling.asked.slice(1)).toEqual([
      {
        command: 'UpdateAutoScalingGroup',
        input: { AutoScalingGroupName: 'fleet', NewInstancesProtectedFromScaleIn: false },
      },
      { command: 'DescribeLifecycleHooks', input: { AutoScalingGroupName: 'fleet' } },
      {
        command: 'DeleteLifecycleHook',
        input: { AutoScalingGroupName: 'fleet', LifecycleHookName: 'ecs-managed-draining-termination-hook' },
      },
      {
        command: 'SetInstanceProtection',
        input: { AutoScalingGroupName: 'fleet', InstanceIds: ['i-1'], ProtectedFromScaleIn: false },
      },
    ]);
  });

  test('takes it off 50 instances at a time, which is all that the API takes', async () => {
    const Instances = Array.from({ length: 120 }, (_, id) => instance(id));
    const autoScaling = awsClient({ DescribeAutoScalingGroups: { AutoScalingGroups: [{ Instances }] } });

    await release(event('Delete'), autoScaling);

    const batches = autoScaling.asked.filter(({ command }) => command === 'SetInstanceProtection');
    expect(batches.map(({ input }) => (input as { InstanceIds: string[] }).InstanceIds.length)).toEqual([50, 50, 20]);
  });

  test('has nothing to do when the group is gone already', async () => {
    const autoScaling = awsClient({ DescribeAutoScalingGroups: { AutoScalingGroups: [] } });

    await release(event('Delete'), autoScaling);

    expect(autoScaling.asked).toHaveLength(1);
  });

  test.each(['Create', 'Update'] as const)('leaves the group alone on %s', async (type) => {
    const autoScaling = awsClient({});

    await expect(release(event(type), autoScaling)).resolves.toEqual({ PhysicalResourceId: 'fleet' });
    expect(autoScaling.asked).toEqual([]);
  });
});
