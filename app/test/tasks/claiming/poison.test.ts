import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createTasks } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { innocent, poison } from '../support/poison-worker';
import { recordingLogger } from '../support/recording-logger';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';

const SCRIPT = join(__dirname, '..', 'support', 'poison-worker.ts');
const INNOCENT = 50;

let fixture: LedgerFixture;
let tasks: Tasks;
let child: ChildProcess;
let deaths = 0;
let over = false;
/** What the processes said; shown when the test fails. */
let said = '';

beforeAll(async () => {
  fixture = await ledgerFixture();
  await fixture.pool.query('create table effect (task uuid not null)');
  tasks = createTasks({
    postgres: { connectionString: fixture.url },
    ...{ heartbeatSeconds: 0.3, leaseSeconds: 2, logger: recordingLogger() },
  });
});
afterAll(async () => {
  over = true;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  await tasks.close();
  await fixture.drop();
});

/** As ECS and `npm start` do it: a process that died is started again. */
function startAndRestart(): void {
  child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, fixture.url], { stdio: ['ignore', 'ignore', 'pipe'] });
  const { pid } = child;
  said += `${pid} starts\n`;
  child.stderr?.on('data', (text) => (said += `${pid} ${text}`));
  child.once('exit', (code, signal) => {
    if (over) return;
    deaths += 1;
    said += `${pid} ends, ${code ?? signal}\n`;
    startAndRestart();
  });
}

it('a task that kills its worker every time is dead with that reason; its innocent neighbours are done, once each', async () => {
  const neighbours = await tasks.acceptMany(
    innocent,
    Array.from({ length: 5 }, () => ({})),
  );
  const { id } = await tasks.accept(poison, {});
  neighbours.push(
    ...(await tasks.acceptMany(
      innocent,
      Array.from({ length: INNOCENT - 5 }, () => ({})),
    )),
  );
  // Takes back what the dead processes had, and runs nothing.
  await tasks.startWorker({ handlers: [], queues: [{ name: 'elsewhere' }] });
  startAndRestart();

  await until('the poison is dead', async () => (await taskRow(fixture, id)).state === 'dead', 50);
  // Twice with others, whose attempts are refunded; three times alone.
  expect(await taskRow(fixture, id)).toMatchObject({ dead_reason: 'worker-lost', attempts: 3, crashes: 5 });
  // A process that a busy machine kept from its heartbeats for a lease counts as lost as well, and dies a little later.
  expect(deaths).toBeGreaterThan(0);
  expect(deaths).toBeLessThanOrEqual(5);

  const unfinished = `select state, crashes, attempts, worker_id, run_at, resume_at from holdfast.task where finished_at is null`;
  await until('all others have ended', async () => (await fixture.rows(unfinished)).length === 0, 30).catch(
    async (error: unknown) => {
      const seen = [await fixture.rows(unfinished), await fixture.rows('select * from holdfast.worker'), said];
      throw new Error(`${String(error)}\n${inspect(seen, { depth: 3 })}`);
    },
  );
  const ends = await fixture.rows(
    `select state, count(*)::int as tasks from holdfast.task where name = 'innocent' group by 1`,
  );
  expect(ends).toEqual([{ state: 'done', tasks: INNOCENT }]);
  const effects = await fixture.rows<{ task: string }>('select task from effect');
  expect(effects.map(({ task }) => task).sort()).toEqual(neighbours.map((task) => task.id).sort());
}, 90_000);
