import { Duration } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { PATHS, PORTS } from '../../app/src/contract';
import type { StageConfiguration } from '../config';

/**
 * Whether a worker or scheduler of the durable task engine still answers: one that hangs for two and a half minutes is
 * replaced, after its tasks have gone to others by their lease. No load balancer asks them, and only this engine's
 * processes are known to answer.
 */
export function engineHealthCheck({ taskEngine }: StageConfiguration): ecs.HealthCheck | undefined {
  if (taskEngine !== 'holdfast') return undefined;
  const url = `http://127.0.0.1:${PORTS.metrics}${PATHS.health}`;
  return {
    command: ['CMD', 'node', '-e', `fetch('${url}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`],
    interval: Duration.seconds(30),
    timeout: Duration.seconds(10),
    retries: 5,
    // A worker waits for its database for a minute at most, then exits with the reason, which says more.
    startPeriod: Duration.seconds(120),
  };
}
