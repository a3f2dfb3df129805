import type { Queue, QueuesAnswer, UnknownKind, Worker } from './app-api/answers';
import type { CommandResult, OperationsCommand } from './command';
import { count, counted, duration } from './output/amounts';
import { GAP, bad, good, quiet, text, title, warning } from './output/block';
import type { Block, Cell } from './output/block';

export const queues: OperationsCommand = {
  name: 'queues',
  summary: 'Queues and workers now: backlog, age, what runs, what is dead',
  examples: ['queues --stage production', 'queues --stage local', 'queues --json'],
  async run(context) {
    const app = await context.app();
    return queuesResult(await context.terminal.during('Asking the app', () => app.queues()));
  },
};

function queuesResult(answer: QueuesAnswer): CommandResult {
  return {
    data: answer,
    view: [
      ...queueTable(answer.queues),
      GAP,
      ...workerTable(answer.workers),
      ...answer.unknownKinds.flatMap((kind) => [GAP, unclaimable(kind)]),
      ...nextStep(answer.queues),
    ],
  };
}

function queueTable(all: readonly Queue[]): Block[] {
  if (all.length === 0) return [text('No queue has a task, a worker or a limit.')];
  return [
    {
      kind: 'table',
      columns: [
        { heading: 'Queue', cuts: 'end' },
        ...['Backlog', 'Oldest', 'Running', 'Later', 'Waiting', 'Parked', 'Dead'].map((heading) => ({
          heading,
          align: 'right' as const,
        })),
        { heading: 'State', cuts: 'end' },
      ],
      rows: all.map((queue) => [
        queue.name,
        count(queue.backlog),
        queue.backlog === 0 ? quiet('-') : duration(queue.oldestAgeSeconds),
        count(queue.running),
        count(queue.scheduled),
        count(queue.waiting),
        queue.parked === 0 ? '0' : warning(count(queue.parked)),
        queue.dead === 0 ? '0' : bad(count(queue.dead)),
        stateOf(queue),
      ]),
    },
  ];
}

function stateOf({ pausedAt, maxRunning, rateLimit }: Queue): Cell {
  if (pausedAt !== null) return warning(`paused ${duration((Date.now() - Date.parse(pausedAt)) / 1_000)}`);
  const limits = [
    ...(maxRunning === null ? [] : [`max ${maxRunning}`]),
    ...(rateLimit === null ? [] : [`${rateLimit.count}/${rateLimit.perSeconds} s`]),
  ];
  return limits.length === 0 ? good('open') : good(`open, ${limits.join(', ')}`);
}

function workerTable(workers: readonly Worker[]): Block[] {
  if (workers.length === 0) return [text(bad('No worker is alive: what is accepted waits.'))];
  return [
    title(counted(workers.length, 'worker')),
    {
      kind: 'table',
      columns: [
        { heading: 'Worker', cuts: 'middle' },
        { heading: 'Kind', cuts: 'end' },
        { heading: 'Running', align: 'right' },
        { heading: 'Tasks from' },
        { heading: 'Heartbeat', align: 'right' },
        { heading: 'State' },
      ],
      rows: workers.map((worker) => [
        worker.id,
        worker.kind,
        `${worker.running} of ${worker.concurrency}`,
        worker.source === 'redis' ? 'Redis' : warning('PostgreSQL'),
        `${worker.heartbeatAgeSeconds.toFixed(1)} s`,
        worker.draining ? warning('draining') : good('takes tasks'),
      ]),
    },
  ];
}

function unclaimable({ kind, queue, count: tasks, oldestAgeSeconds }: UnknownKind): Block {
  return text(
    bad(
      `${counted(tasks, 'task')} of ${kind} on ${queue} wait for a worker that knows this kind, the oldest for ${duration(oldestAgeSeconds)}: finish the deploy, or cancel them.`,
    ),
  );
}

function nextStep(all: readonly Queue[]): Block[] {
  const dead = all.find((queue) => queue.dead > 0);
  const paused = all.find(({ pausedAt }) => pausedAt !== null);
  if (dead !== undefined) {
    return [GAP, text('Next: npx holdfast retry shows the dead tasks with their reasons.')];
  }
  if (paused !== undefined) return [GAP, text(`Next: npx holdfast resume ${paused.name} starts its tasks again.`)];
  return [];
}
