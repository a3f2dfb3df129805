import type { Logger } from 'pino';
import type { SystemStatus, Tasks } from '../tasks';

const EVERY_MS = 30_000;

/** Logs the state of all queues now and every 30 s, until it is stopped. */
export function reportQueues(tasks: Pick<Tasks, 'status'>, logger: Logger): { stop(): Promise<void> } {
  let reporting = Promise.resolve();
  const report = (): void => {
    reporting = reporting
      .then(() => tasks.status())
      .then(
        (status) => logger.info(summary(status), 'queues'),
        (error: unknown) => logger.warn({ err: error }, 'queues unknown: the database does not answer'),
      );
  };
  report();
  const timer = setInterval(report, EVERY_MS);
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
