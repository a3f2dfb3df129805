import { PATHS } from '../../../app/src/contract';
import type { OperationsContext } from '../context';
import { counted, duration } from '../output/amounts';
import { wantsWorkers } from '../stage/wants-workers';
import { expected, failed, ok, warned } from './finding';
import type { Finding } from './finding';

/** What the app says of itself: whether it serves, and whether tasks get done. */
export async function checkApp(context: OperationsContext): Promise<Finding[]> {
  if (!context.isLocal && (await context.configuration()).taskEngine !== 'holdfast') {
    return [ok('tasks', 'done by another engine: look with its own tool')];
  }
  const app = await context.app();
  const ready = await app.isReady(PATHS.ready);
  if (!ready) {
    return [
      failed(
        'app',
        `${app.baseUrl}${PATHS.ready} does not answer 200`,
        'See the database above and npx holdfast logs web.',
      ),
    ];
  }
  const { queues, workers, unknownKinds } = await app.queues();
  const sum = (of: 'dead' | 'parked'): number => queues.reduce((total, queue) => total + queue[of], 0);
  const paused = queues.filter(({ pausedAt }) => pausedAt !== null).map(({ name }) => name);
  const isAlive = workers.length > 0 || !(await wantsWorkers(context));
  const fromPostgres = workers.filter(({ source }) => source === 'postgres').length;
  return [
    ok('app', `ready at ${app.baseUrl}`),
    expected(
      'workers',
      `${counted(workers.length, 'worker')} alive${fromPostgres === 0 ? '' : `, ${fromPostgres} of them draw from PostgreSQL`}`,
      isAlive && fromPostgres === 0,
      !isAlive
        ? 'See the processes above and npx holdfast logs worker-default.'
        : "They do not reach the queue's Redis; see it above. Nothing is lost meanwhile.",
      isAlive ? 'warning' : 'failed',
    ),
    ...unknownKinds.map(({ kind, queue, count, oldestAgeSeconds }) =>
      failed(
        'tasks nobody knows',
        `${counted(count, 'task')} of ${kind} on ${queue}, the oldest due for ${duration(oldestAgeSeconds)}`,
        'Finish the deploy, or roll it forward; if the handler is gone for good, cancel them.',
      ),
    ),
    expected(
      'dead tasks',
      String(sum('dead')),
      sum('dead') === 0,
      'npx holdfast retry shows them with their reasons.',
      'warning',
    ),
    expected(
      'parked tasks',
      String(sum('parked')),
      sum('parked') === 0,
      'The admin area lists them; npx holdfast resolve ID sent or not-sent decides.',
      'warning',
    ),
    ...(paused.length === 0
      ? []
      : [warned('paused queues', paused.join(', '), `npx holdfast resume ${paused[0] ?? ''} starts its tasks again.`)]),
  ];
}
