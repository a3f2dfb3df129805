import type { Deployment, Service } from '@aws-sdk/client-ecs';
import { deploymentState } from '../../../lib/operations/aws/services';

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
