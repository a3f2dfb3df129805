import type { PoolConfig } from 'pg';
import type { Logger } from 'pino';
import { ENVIRONMENT } from '../contract';
import { currentTrace } from '../tracing/current-trace';
import { createTasks } from '../tasks';
import type { Tasks } from '../tasks';

export interface EngineConfiguration {
  readonly queueRedisUrl?: string | undefined;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
}

/** Opens the task engine as the configuration says. */
export function openEngine(configuration: EngineConfiguration, postgres: PoolConfig, logger: Logger): Tasks {
  const { queueRedisUrl, heartbeatSeconds, leaseSeconds } = configuration;
  if (queueRedisUrl === undefined) {
    logger.warn(`${ENVIRONMENT.queueRedisUrl} is not set: all tasks go through PostgreSQL, which is slower`);
  }
  return createTasks({
    postgres,
    logger,
    heartbeatSeconds,
    leaseSeconds,
    trace: currentTrace,
    ...(queueRedisUrl === undefined ? {} : { redisUrl: queueRedisUrl }),
  });
}
