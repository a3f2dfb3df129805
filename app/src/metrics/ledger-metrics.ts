import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { LedgerHealth, SystemStatus, Tasks } from '../tasks';

/** Queues and workers as the ledger has them, and what it weighs. Gauges of queues and workers that are gone disappear. */
export function describeLedger(registry: Registry, tasks: Pick<Tasks, 'status' | 'ledgerHealth'>): () => Promise<void> {
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
  const unclaimable = gauge(
    'holdfast_unclaimable_tasks',
    'Due tasks of a kind that no living worker of their queue knows.',
    ['kind', 'queue'],
  );
  const labels = ['worker', 'host', 'kind'] as const;
  const workers = gauge('holdfast_workers', 'Live workers by kind and by where their last tasks came from.', [
    'kind',
    'source',
    'draining',
  ]);
  const busy = gauge('holdfast_worker_running_tasks', 'Tasks that the worker runs.', labels);
  const slots = gauge('holdfast_worker_concurrency_tasks', 'Tasks that the worker can run at once.', labels);
  const heartbeat = gauge('holdfast_worker_heartbeat_age_seconds', "Age of the worker's last heartbeat.", labels);
  const tableBytes = gauge('holdfast_ledger_table_bytes', 'Size of a table without its indexes.', ['table']);
  const indexBytes = gauge('holdfast_ledger_index_bytes', 'Size of all indexes of a table.', ['table']);
  const liveRows = gauge('holdfast_ledger_live_rows', 'Rows of a table, as estimated by PostgreSQL.', ['table']);
  const deadRows = gauge('holdfast_ledger_dead_rows', 'Row versions of a table that wait for vacuum.', ['table']);
  const oldestFinished = gauge('holdfast_ledger_oldest_finished_age_seconds', 'Age of the oldest finished task.', []);
  const sincePruned = gauge('holdfast_ledger_since_pruned_seconds', 'Time since pruning was last through.', []);
  const all = [
    ...[unclaimable, backlog, scheduled, running, dead, oldest, workers, busy, slots, heartbeat],
    ...[tableBytes, indexBytes, liveRows, deadRows],
  ];

  const show = (status: SystemStatus): void => {
    for (const queue of status.queues) {
      const label = { queue: queue.name };
      backlog.set(label, queue.backlog);
      scheduled.set(label, queue.scheduled);
      running.set(label, queue.running);
      dead.set(label, queue.dead);
      oldest.set(label, queue.oldestAgeSeconds);
    }
    for (const { kind, queue, count } of status.unknownKinds) unclaimable.set({ kind, queue }, count);
    for (const worker of status.workers) {
      const label = { worker: worker.id, host: worker.host, kind: worker.kind };
      workers.inc({ kind: worker.kind, source: worker.source, draining: String(worker.draining) });
      busy.set(label, worker.running);
      slots.set(label, worker.concurrency);
      heartbeat.set(label, worker.heartbeatAgeSeconds);
    }
  };
  const weigh = (health: LedgerHealth): void => {
    for (const table of health.tables) {
      const label = { table: table.name };
      tableBytes.set(label, table.tableBytes);
      indexBytes.set(label, table.indexBytes);
      liveRows.set(label, table.liveRows);
      deadRows.set(label, table.deadRows);
    }
    oldestFinished.set(health.oldestFinishedAgeSeconds ?? 0);
    sincePruned.set(health.sincePrunedSeconds ?? 0);
  };
  return async () => {
    const status = await tasks.status().catch(() => undefined);
    const health = status && (await tasks.ledgerHealth().catch(() => undefined));
    for (const one of all) one.reset();
    if (health !== undefined) weigh(health);
    reachable.set(status === undefined ? 0 : 1);
    if (status !== undefined) show(status);
  };
}
