import * as ecs from 'aws-cdk-lib/aws-ecs';
import { alarmName } from '../config';
import type { StageConfiguration } from '../config';

/** Ends of the names of the alarms that roll a deployment of the web service back. */
export const ROLLBACK_ALARMS = { errors: 'web-5xx', unhealthy: 'web-unhealthy' } as const;

/**
 * Rolls a deployment of the web service back when the new version answers with errors or fails its health checks while
 * it rolls out; the circuit breaker covers containers that do not start at all. Amazon ECS ignores an alarm that is
 * already in ALARM when the deployment begins, so a mending deploy is not stopped by what it mends.
 *
 * By name: an alarm that knows the service and a service that knows the alarm would wait for each other.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
 */
export function rollBackOnAlarms(service: ecs.Ec2Service, configuration: StageConfiguration): void {
  service.enableDeploymentAlarms(
    Object.values(ROLLBACK_ALARMS).map((what) => alarmName(configuration, what)),
    { behavior: ecs.AlarmBehavior.ROLLBACK_ON_ALARM },
  );
}
