import { release } from '../../lib/stateless/scale-in-release.on-event.lambda';
import type { ScaleInReleaseEvent } from '../../lib/stateless/scale-in-release.on-event.lambda';
import { awsClient } from './aws-client';

const event = (RequestType: ScaleInReleaseEvent['RequestType']): ScaleInReleaseEvent => ({
  RequestType,
  ResourceProperties: { AutoScalingGroupName: 'fleet' },
});

interface Held {
  LifecycleState: string;
  ProtectedFromScaleIn: boolean;
}

const held = (LifecycleState = 'InService'): Held => ({ LifecycleState, ProtectedFromScaleIn: true });

/** What happens to the group at the n-th call of a command, before it is answered. */
type Happening = (instances: Map<string, Held>) => void;

/**
 * A group that behaves as Amazon EC2 Auto Scaling says: SetInstanceProtection refuses a batch with an instance in a
 * state that it does not take. Each pause takes five of the function's seconds.
 */
function group(instances: Map<string, Held>, happenings: Readonly<Record<string, Happening>> = {}) {
  const calls = new Map<string, number>();
  const answer = (name: string, give: (input: object) => unknown) => (input: object) => {
    const count = (calls.get(name) ?? 0) + 1;
    calls.set(name, count);
    happenings[`${name} ${count}`]?.(instances);
    return give(input);
  };
  const autoScaling = awsClient({
    DescribeAutoScalingGroups: answer('Describe', () => ({
      AutoScalingGroups: [{ Instances: [...instances].map(([InstanceId, state]) => ({ InstanceId, ...state })) }],
    })),
    UpdateAutoScalingGroup: answer('Update', () => ({})),
    DescribeLifecycleHooks: { LifecycleHooks: [{ LifecycleHookName: 'ecs-managed-draining-termination-hook' }] },
    SetInstanceProtection: answer('Set', (input) => {
      const { InstanceIds } = input as { InstanceIds: readonly string[] };
      const chosen = InstanceIds.map((id) => instances.get(id));
      if (!chosen.every((state) => /^(InService|EnteringStandby|Standby)$/.test(state?.LifecycleState ?? 'gone'))) {
        return Object.assign(new Error('is not in InService or EnteringStandby or Standby'), {
          name: 'ValidationError',
        });
      }
      for (const state of chosen) if (state !== undefined) state.ProtectedFromScaleIn = false;
      return {};
    }),
  });
  let remaining = 300_000;
  const pause = (): Promise<void> => {
    remaining -= 5_000;
    return Promise.resolve();
  };
  const run = () => release(event('Delete'), { autoScaling, pause, remaining: () => remaining });
  const chosen = () =>
    autoScaling.asked
      .filter(({ command }) => command === 'SetInstanceProtection')
      .map(({ input }) => (input as { InstanceIds: readonly string[] }).InstanceIds);
  return { run, chosen, asked: autoScaling.asked };
}

describe('what lets the fleet be deleted', () => {
  test('switches off protection of new instances and the draining hook, and looks at the instances after that', async () => {
    const { run, asked } = group(new Map([['i-1', held()]]));

    await expect(run()).resolves.toEqual({ PhysicalResourceId: 'fleet' });

    expect(asked.slice(1)).toEqual([
      {
        command: 'UpdateAutoScalingGroup',
        input: { AutoScalingGroupName: 'fleet', NewInstancesProtectedFromScaleIn: false },
      },
      { command: 'DescribeLifecycleHooks', input: { AutoScalingGroupName: 'fleet' } },
      {
        command: 'DeleteLifecycleHook',
        input: { AutoScalingGroupName: 'fleet', LifecycleHookName: 'ecs-managed-draining-termination-hook' },
      },
      { command: 'DescribeAutoScalingGroups', input: { AutoScalingGroupNames: ['fleet'] } },
      {
        command: 'SetInstanceProtection',
        input: { AutoScalingGroupName: 'fleet', InstanceIds: ['i-1'], ProtectedFromScaleIn: false },
      },
      { command: 'DescribeAutoScalingGroups', input: { AutoScalingGroupNames: ['fleet'] } },
    ]);
  });

  test('finds an instance that came while protection of new ones was being switched off', async () => {
    const { run, chosen } = group(new Map([['i-1', held()]]), {
      'Update 1': (instances) => instances.set('i-2', held()),
    });

    await run();

    expect(chosen()).toEqual([['i-1', 'i-2']]);
  });

  test('waits for an instance that was starting, and takes its protection off', async () => {
    const instances = new Map([['i-1', held('Pending')]]);
    const { run, chosen } = group(instances, {
      'Describe 3': (now) => now.set('i-1', held('Pending:Proceed')),
      'Describe 5': (now) => now.set('i-1', held('InService')),
    });

    await run();

    expect(chosen()).toEqual([['i-1']]);
    expect(instances.get('i-1')?.ProtectedFromScaleIn).toBe(false);
  });

  test('frees the others when one of a batch begins to end after it was looked at', async () => {
    const instances = new Map([
      ['i-1', held()],
      ['i-2', held()],
    ]);
    const { run, chosen } = group(instances, { 'Set 1': (now) => now.set('i-2', held('Terminating:Wait')) });

    await run();

    expect(chosen()).toEqual([['i-1', 'i-2'], ['i-1']]);
    expect(instances.get('i-1')?.ProtectedFromScaleIn).toBe(false);
  });

  test('frees instances in standby, too, and leaves those that go anyway', async () => {
    const states = ['Standby', 'EnteringStandby', 'Terminating', 'Terminating:Wait', 'Detaching', 'Terminated'];
    const { run, chosen } = group(new Map(states.map((state) => [state, held(state)])));

    await run();

    expect(chosen()).toEqual([['Standby', 'EnteringStandby']]);
  });

  test('takes it off 50 instances at a time, which is all that the API takes', async () => {
    const { run, chosen } = group(new Map(Array.from({ length: 120 }, (_, id) => [`i-${id}`, held()])));

    await run();

    expect(chosen().map(({ length }) => length)).toEqual([50, 50, 20]);
  });

  test('says before its time is over which instances hold it up', async () => {
    const { run } = group(new Map([['i-1', held('Pending:Wait')]]));

    await expect(run()).rejects.toThrow(
      'protected from scale-in or starting: i-1 (Pending:Wait); delete the stack again',
    );
  });

  test('has nothing to do when the group is gone already, or goes meanwhile', async () => {
    const autoScaling = awsClient({ DescribeAutoScalingGroups: { AutoScalingGroups: [] } });
    const releaser = { autoScaling, pause: () => Promise.resolve(), remaining: () => 300_000 };

    await release(event('Delete'), releaser);

    expect(autoScaling.asked).toHaveLength(1);
    const { run } = group(new Map([['i-1', held()]]), { 'Describe 2': (instances) => instances.clear() });
    await expect(run()).resolves.toEqual({ PhysicalResourceId: 'fleet' });
  });

  test('does not take another error for a change of the group', async () => {
    const denied = Object.assign(new Error('not authorized'), { name: 'AccessDenied' });
    const autoScaling = awsClient({
      DescribeAutoScalingGroups: { AutoScalingGroups: [{ Instances: [{ InstanceId: 'i-1', ...held() }] }] },
      SetInstanceProtection: denied,
    });
    const releaser = { autoScaling, pause: () => Promise.resolve(), remaining: () => 300_000 };

    await expect(release(event('Delete'), releaser)).rejects.toThrow('not authorized');
  });

  test.each(['Create', 'Update'] as const)('leaves the group alone on %s', async (type) => {
    const autoScaling = awsClient({});
    const releaser = { autoScaling, pause: () => Promise.resolve(), remaining: () => 300_000 };

    await expect(release(event(type), releaser)).resolves.toEqual({ PhysicalResourceId: 'fleet' });
    expect(autoScaling.asked).toEqual([]);
  });
});
