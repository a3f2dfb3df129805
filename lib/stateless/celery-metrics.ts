import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { ENVIRONMENT, METRICS_PERIOD_SECONDS } from '../../app/src/contract';
import { CELERY_METRICS_SIZE } from '../config';
import type { StageConfiguration } from '../config';
import { metricsNamespace } from '../observability/metrics';
import type { BackingServices } from '../stateful/backing-services';
import { queueEnvironment, workerKinds } from './container-environment';

/** Under which all keys of Celery have one hash slot; docs/bring-your-own-app.md tells the app's author. */
const HASH_TAGGED_PREFIX = '{celery}:';

export interface CeleryMetricsProps {
  readonly configuration: StageConfiguration;
  /** An image with Python, Celery and redis-py: that of the scheduler, whose `celery beat` runs beside it. */
  readonly image: ecs.ContainerImage;
  readonly queue: BackingServices['queue'];
  /** Where its lines go; CloudWatch makes metrics of them. */
  readonly logGroup: logs.ILogGroup;
}

/**
 * Adds the container that measures Celery's queues to the scheduler's task (celery-metrics.py says what and how). It is
 * not essential, so that a fault in measuring never stops the schedules; Amazon ECS restarts it by itself, and its
 * silence is an alarm. The scheduler's own container ends the task when it ends, and with it this one.
 */
export function addCeleryMetrics(
  taskDefinition: ecs.TaskDefinition,
  { configuration, image, queue, logGroup }: CeleryMetricsProps,
): ecs.ContainerDefinition {
  const { environment, secrets } = queueEnvironment({ queue });
  const linuxParameters = new ecs.LinuxParameters(taskDefinition, 'CeleryMetricsLinux');
  linuxParameters.dropCapabilities(ecs.Capability.ALL);
  return taskDefinition.addContainer('celery-metrics', {
    image,
    entryPoint: ['python', '-c'],
    command: [readFileSync(join(__dirname, 'celery-metrics.py'), 'utf8')],
    essential: false,
    enableRestartPolicy: true,
    restartAttemptPeriod: Duration.minutes(1),
    cpu: CELERY_METRICS_SIZE.cpuUnits,
    memoryLimitMiB: CELERY_METRICS_SIZE.memoryMiB,
    readonlyRootFilesystem: true,
    user: configuration.scheduler?.user ?? '1000:1000',
    linuxParameters,
    logging: ecs.LogDrivers.awsLogs({
      logGroup,
      streamPrefix: 'celery-metrics',
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
    }),
    environment: {
      PYTHONDONTWRITEBYTECODE: '1',
      ...environment,
      [ENVIRONMENT.metricsNamespace]: metricsNamespace(configuration),
      [ENVIRONMENT.workerKinds]: workerKinds(configuration),
      METRICS_PERIOD_SECONDS: String(METRICS_PERIOD_SECONDS),
      // Redis in cluster mode: https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html
      ...('queue' in configuration.redis &&
        configuration.redis.queue.hashTaggedKeys && { CELERY_KEY_PREFIX: HASH_TAGGED_PREFIX }),
    },
    secrets: { ...secrets },
  });
}
