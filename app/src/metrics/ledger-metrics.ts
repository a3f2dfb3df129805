import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { SystemStatus, Tasks } from '../tasks';

/** Queues and workers as the ledger has them. Gauges of queues and workers that are gone disappear. */
export function describeLedger(registry: Registry, tasks: Pick<Tasks, 'status'>): () => Promise<void> {
  const gauge = <const Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  const reachable = gauge(
    'holdfast_ledger_reachable',
    '1 when PostgreSQL answered; without it there are no other gauges.',
    [],
  );
  const backlog = gauge('holdfast_queue_backlog_tasks', 'Tasks that are due and not started.', ['queue']);
  const scheduled = gauge('holdfast_queue_scheduled_tasks', 'Tasks that are accepted for later.', ['queue']);
  const running = gauge('holdfast_queue_running_tasks', 'Tasks that run.', ['queue']);
  const dead = gauge('holdfast_queue_dead_tasks', 'Tasks that need a person.', ['queue']);
  const oldest = gauge('holdfast_queue_oldest_age_seconds', 'How long the oldest due task has waited.', ['queue']);
  const labels = ['worker', 'host', 'kind'] as const;
  const workers = gauge('holdfast_workers', 'Live workers by kind and by where their last tasks came from.', [
    'kind',
    'source',
    'draining',
  ]);
  const busy = gauge('holdfast_worker_running_tasks', 'Tasks that the worker runs.', labels);
  const slots = gauge('holdfast_worker_concurrency_tasks', 'Tasks that the worker can run at once.', labels);
  const heartbeat = gauge('holdfast_worker_heartbeat_age_seconds', "Age of the worker's last heartbeat.", labels);
  const all = [backlog, scheduled, running, dead, oldest, workers, busy, slots, heartbeat];

  const show = (status: SystemStatus): void => {
    for (const queue of status.queues) {
      const label = { queue: queue.name };
      backlog.set(label, queue.backlog);
      scheduled.set(label, queue.scheduled);
      running.set(label, queue.running);
      dead.set(label, queue.dead);
      oldest.set(label, queue.oldestAgeSeconds);
    }
    for (const worker of status.workers) {
      const label = { worker: worker.id, host: worker.host, kind: worker.kind };
      workers.inc({ kind: worker.kind, source: worker.source, draining: String(worker.draining) });
      busy.set(label, worker.running);
      slots.set(label, worker.concurrency);
      heartbeat.set(label, worker.heartbeatAgeSeconds);
    }
  };
  return async () => {
    const status = await tasks.status().catch(() => undefined);
    for (const one of all) one.reset();
    reachable.set(status === undefined ? 0 : 1);
    if (status !== undefined) show(status);
  };
}
