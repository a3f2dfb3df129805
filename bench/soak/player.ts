import { Pool } from 'pg';
import { createTasks, defineSchedule } from '../../app/src/tasks';
import type { Tasks } from '../../app/src/tasks';
import { startAcceptor } from './acceptor';
import { NARROW_LIMIT, tick } from './definitions';
import { soakHandlers } from './handlers';
import type { Start, Told } from './messages';
import { RETENTION } from './retention';

/*
 * One process of the soak: accepts, works or keeps the schedule, until SIGTERM. It is killed at random, so it keeps
 * nothing that somebody else would need.
 */
function tell(told: Told): void {
  process.send?.(told);
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

async function play(start: Start): Promise<() => Promise<void>> {
  const postgres = { connectionString: start.postgresUrl, max: 10 };
  const tasks: Tasks = createTasks({ postgres, redisUrl: start.redisUrl, logger: quiet, retention: RETENTION });
  if (start.role === 'acceptor') {
    await tasks.limitQueue('soak-narrow', { maxRunning: NARROW_LIMIT });
    const acceptor = startAcceptor(
      tasks,
      start.rate,
      (accepted) => tell({ kind: 'accepted', tasks: accepted }),
      (error) => tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
    );
    return async () => {
      await acceptor.stop();
      await tasks.close();
    };
  }
  if (start.role === 'scheduler') {
    const schedules = [defineSchedule({ name: 'soak', task: tick, payload: {}, every: 1, catchUp: 'all' })];
    const scheduler = tasks.startScheduler({ schedules });
    return async () => {
      await scheduler.stop();
      await tasks.close();
    };
  }
  const outside = new Pool(postgres);
  outside.on('error', () => undefined);
  const receive = async (key: string): Promise<void> => {
    await outside.query('insert into soak.received (key) values ($1) on conflict do nothing', [key]);
  };
  const queues = [{ name: 'soak' }, { name: 'soak-narrow' }];
  await tasks.startWorker({ handlers: soakHandlers(receive), queues, concurrency: 50 });
  return async () => {
    await tasks.close();
    await outside.end();
  };
}

process.once('message', (start: Start) => {
  play(start).then(
    (stop) => {
      tell({ kind: 'ready' });
      process.once('SIGTERM', () => void stop().finally(() => process.exit(0)));
    },
    (error: unknown) => {
      tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
      process.exit(1);
    },
  );
});
// The terminal's Ctrl-C reaches every process; the parent decides what happens then. Without it there is nothing to do.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
