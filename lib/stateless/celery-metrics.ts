import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { ENVIRONMENT, METRICS_PERIOD_SECONDS } from '../../app/src/contract';
import type { StageConfiguration } from '../config';
import { metricsNamespace } from '../observability/metrics';

export interface CeleryMetricsProps {
  readonly configuration: StageConfiguration;
  /** An image with Python, Celery and redis-py: that of the scheduler, whose `celery beat` runs beside it. */
  readonly image: ecs.ContainerImage;
  /** `redis://` or `rediss://` URL of the queue, without the password. */
  readonly queueRedisUrl: string;
  /** The queue's AUTH token. */
  readonly queueRedisPassword: ecs.Secret;
  /** Where its lines go; CloudWatch reads metrics only from a log group. */
  readonly logging: ecs.LogDriver;
}

/** Python with celery and redis-py imported takes about 45 MiB. */
const MEMORY_MIB = 96;
const CPU_UNITS = 16;

/**
 * Adds the container that measures Celery's queues to the scheduler's task (celery-metrics.py says what and how). It is
 * not essential, so that a fault in measuring never stops the schedules; it is restarted by itself, and its silence is
 * an alarm.
 */
export function addCeleryMetrics(
  taskDefinition: ecs.TaskDefinition,
  props: CeleryMetricsProps,
): ecs.ContainerDefinition {
  const { configuration } = props;
  return taskDefinition.addContainer('celery-metrics', {
    image: props.image,
    entryPoint: ['python', '-c'],
    command: [readFileSync(join(__dirname, 'celery-metrics.py'), 'utf8')],
    essential: false,
    enableRestartPolicy: true,
    restartAttemptPeriod: Duration.minutes(1),
    cpu: CPU_UNITS,
    memoryLimitMiB: MEMORY_MIB,
    readonlyRootFilesystem: true,
    privileged: false,
    user: configuration.scheduler?.user ?? '1000:1000',
    logging: props.logging,
    environment: {
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      [ENVIRONMENT.queueRedisUrl]: props.queueRedisUrl,
      [ENVIRONMENT.metricsNamespace]: metricsNamespace(configuration),
      [ENVIRONMENT.workerKinds]: workerKinds(configuration),
      METRICS_PERIOD_SECONDS: String(METRICS_PERIOD_SECONDS),
    },
    secrets: { [ENVIRONMENT.queueRedisPassword]: props.queueRedisPassword },
  });
}

/** `default=default,imports;images=images` */
function workerKinds({ workers }: StageConfiguration): string {
  return Object.entries(workers)
    .map(([kind, { queues }]) => `${kind}=${queues.map(({ name }) => name).join(',')}`)
    .join(';');
}
