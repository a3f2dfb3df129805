import { PATHS } from '../../../app/src/contract';
import type { QueuesAnswer } from '../app-api/answers';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError } from '../exit-codes';
import { count, counted, duration } from '../output/amounts';
import { bad, good, warning } from '../output/block';
import type { Cell } from '../output/block';
import { wantsWorkers } from '../stage/wants-workers';

/** What the app says of itself, or why it says nothing. */
export interface AppStatus {
  /** Whether it serves, with its database. */
  readonly ready: boolean;
  readonly queues?: QueuesAnswer;
  readonly trouble?: string;
  readonly lacksWorkers: boolean;
}

/** An app that does not answer, or tells nothing of its tasks, is a finding; everything else is still worth knowing. */
export async function askApp(context: OperationsContext): Promise<AppStatus> {
  let ready = false;
  try {
    const app = await context.app();
    ready = await app.isReady(PATHS.ready);
    const queues = await app.queues();
    return { ready, queues, lacksWorkers: queues.workers.length === 0 && (await wantsWorkers(context)) };
  } catch (error) {
    if (!(error instanceof OperationsError) || error.exitCode === EXIT.interrupted) throw error;
    return { ready, trouble: error.message, lacksWorkers: false };
  }
}

export function isAppWell({ ready, trouble, lacksWorkers }: AppStatus): boolean {
  return ready && trouble === undefined && !lacksWorkers;
}

export function viewOfApp(app: AppStatus): { readonly cells: (readonly [string, Cell])[]; readonly data: object } {
  const { ready, queues, trouble, lacksWorkers } = app;
  if (queues === undefined) {
    const why = bad(trouble ?? 'is not ready');
    return {
      cells: ready
        ? [
            ['App', good('ready')],
            ['Tasks', why],
          ]
        : [['App', why]],
      data: { ready, trouble: trouble ?? null, tasks: null },
    };
  }
  const sum = (of: 'backlog' | 'running' | 'dead' | 'parked' | 'scheduled' | 'waiting'): number =>
    queues.queues.reduce((total, queue) => total + queue[of], 0);
  const oldestAgeSeconds = Math.max(0, ...queues.queues.map((queue) => queue.oldestAgeSeconds));
  const tasks = {
    ...{ backlog: sum('backlog'), running: sum('running'), scheduled: sum('scheduled'), waiting: sum('waiting') },
    ...{ dead: sum('dead'), parked: sum('parked'), oldestAgeSeconds, workers: queues.workers.length },
  };
  const words = [
    counted(tasks.workers, 'worker'),
    `backlog ${count(tasks.backlog)}${tasks.backlog > 0 ? `, the oldest waits ${duration(oldestAgeSeconds)}` : ''}`,
    `${count(tasks.running)} running`,
    `${count(tasks.dead)} dead`,
    ...(tasks.parked > 0 ? [`${count(tasks.parked)} parked`] : []),
  ].join(', ');
  return {
    cells: [
      ['App', ready ? good('ready') : bad('not ready: its database does not answer')],
      ['Tasks', lacksWorkers ? bad(words) : tasks.dead + tasks.parked > 0 ? warning(words) : words],
    ],
    data: { ready, trouble: trouble ?? null, tasks },
  };
}
