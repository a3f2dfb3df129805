import type { Logger } from 'pino';
import type { SystemStatus, Tasks } from '../tasks';
import { recordQueues, SAMPLE_SECONDS } from './queue-history';

/** Logs the state of all queues, and writes it down for the charts, now and every 30 s, until it is stopped. */
export function reportQueues(tasks: Pick<Tasks, 'status' | 'transaction'>, logger: Logger): { stop(): Promise<void> } {
  let reporting = Promise.resolve();
  const report = (): void => {
    reporting = reporting
      .then(() => tasks.status())
      .then(
        async (status) => {
          logger.info(summary(status), 'queues');
          await recordQueues(tasks, status.queues).catch((error: unknown) =>
            logger.warn({ err: error }, 'the queues were not written down: their charts have a gap'),
          );
        },
        (error: unknown) => logger.warn({ err: error }, 'queues unknown: the database does not answer'),
      );
  };
  report();
  const timer = setInterval(report, SAMPLE_SECONDS * 1000);
  return {
    stop: () => {
      clearInterval(timer);
      return reporting;
    },
  };
}

function summary({ queues, workers }: SystemStatus): object {
  return {
    backlog: queues.reduce((sum, queue) => sum + queue.backlog, 0),
    running: queues.reduce((sum, queue) => sum + queue.running, 0),
    dead: queues.reduce((sum, queue) => sum + queue.dead, 0),
    oldestAgeSeconds: Math.round(Math.max(0, ...queues.map((queue) => queue.oldestAgeSeconds))),
    workers: workers.length,
    workersOnPostgres: workers.filter((worker) => worker.source === 'postgres').length,
  };
}
