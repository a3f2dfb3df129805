import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListServicesCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import type { Deployment, Service, Task } from '@aws-sdk/client-ecs';
import type { AwsClients } from '../../../lib/operations/aws/clients';
import { deploymentState, untilSteady } from '../../../lib/operations/aws/deployments';
import { isSteady } from '../../../lib/operations/aws/services';

const steady = { runningCount: 1, desiredCount: 1, pendingCount: 0 };
const of = (...deployments: Deployment[]): Service => ({ ...steady, deployments });
const asked = (status: string, rolloutState?: Deployment['rolloutState']): Deployment => ({
  id: 'asked',
  status,
  rolloutState,
  rolloutStateReason: 'a reason',
});
/** @param runningCount of its own containers. */
const earlier = (status: string, runningCount = 1): Deployment => ({ id: 'earlier', status, runningCount });

describe('a deployment that was asked for', () => {
  it('is done when it is the only one, and steady', () => {
    expect(deploymentState(of(asked('PRIMARY', 'COMPLETED')), 'asked', true)).toEqual({ state: 'done' });
  });

  it('is waited for while the one before still runs', () => {
    const service = of(asked('PRIMARY', 'IN_PROGRESS'), earlier('ACTIVE'));
    expect(deploymentState(service, 'asked', false)).toEqual({ state: 'waiting' });
  });

  it('is waited for while its alarms are watched, alone and steady as it is', () => {
    expect(deploymentState(of(asked('PRIMARY', 'IN_PROGRESS')), 'asked', true)).toEqual({ state: 'waiting' });
    expect(isSteady(of(asked('PRIMARY', 'IN_PROGRESS')))).toBe(false);
  });

  it('is done where a service tells no such state, as one of another deployment controller', () => {
    expect(deploymentState(of(asked('PRIMARY')), 'asked', true)).toEqual({ state: 'done' });
  });

  it('is waited for while Amazon ECS does not show it yet, steady as the one before is', () => {
    expect(deploymentState(of(earlier('PRIMARY')), 'asked', false)).toEqual({ state: 'waiting' });
  });

  it('is done beside one that failed and is still listed, without containers', () => {
    const other = { ...earlier('ACTIVE', 0), rolloutState: 'FAILED' } as const;
    expect(deploymentState(of(asked('PRIMARY', 'COMPLETED'), other), 'asked', true)).toEqual({ state: 'done' });
  });

  it('has failed by its own state, not by that of another', () => {
    const rolledBack = of(earlier('PRIMARY'), asked('ACTIVE', 'FAILED'));
    expect(deploymentState(rolledBack, 'asked', true)).toEqual({ state: 'failed', reason: 'a reason' });
    const other = { ...earlier('ACTIVE'), rolloutState: 'FAILED' } as const;
    expect(deploymentState(of(asked('PRIMARY', 'IN_PROGRESS'), other), 'asked', true)).toEqual({ state: 'waiting' });
  });

  it('has failed when the one before is steady again in its place', () => {
    expect(deploymentState(of(earlier('PRIMARY')), 'asked', true).state).toBe('failed');
  });
});

describe('the wait for a deployment', () => {
  /** @param looks containers that were told to stop, at each look; at later ones none of those is left. */
  const until = async (looks: readonly Task[][]): Promise<{ readonly told: string[]; readonly looks: number }> => {
    let look = -1;
    const answer = (command: object): object => {
      if (command instanceof ListServicesCommand) return { serviceArns: ['web'] };
      if (command instanceof DescribeServicesCommand) {
        return { services: [{ ...of(asked('PRIMARY', 'COMPLETED')), serviceName: 'web' }] };
      }
      if (command instanceof ListTasksCommand) {
        expect(command.input).toMatchObject({ serviceName: 'web', desiredStatus: 'STOPPED' });
        look += 1;
        return { taskArns: looks[look]?.map((_, at) => String(at)) ?? [] };
      }
      if (command instanceof DescribeTasksCommand) return { tasks: looks[look] };
      throw new Error(`not expected: ${command.constructor.name}`);
    };
    const ecs = Object.assign(new ECSClient({ region: 'us-east-1' }), {
      send: (command: object) => Promise.resolve(answer(command)),
    });
    const told: string[] = [];
    const stage = { name: 'shop', stage: 'test' };
    const { signal } = new AbortController();
    await untilSteady(
      { ecs } as unknown as AwsClients,
      stage,
      [{ service: 'web', id: 'asked' }],
      (now) => told.push(now),
      signal,
    );
    return { told, looks: look + 1 };
  };

  it('is not over while a container of before still ends, which the service no longer counts', async () => {
    const before = { startedBy: 'earlier' };
    const { told, looks } = await until([
      [
        { ...before, lastStatus: 'RUNNING' },
        { ...before, lastStatus: 'STOPPED' },
      ],
      [{ ...before, lastStatus: 'STOPPING' }],
      [{ ...before, lastStatus: 'STOPPED' }],
    ]);
    expect(told).toEqual(Array(2).fill('web, where 1 container of before still ends'));
    expect(looks).toBe(3);
  });

  it('does not wait for containers of its own, such as those that scale in', async () => {
    expect(await until([[{ startedBy: 'asked', lastStatus: 'STOPPING' }]])).toEqual({ told: [], looks: 1 });
  });
});
