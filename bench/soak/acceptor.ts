import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tasks } from '../../app/src/tasks';
import { hopeless, narrow, outside, plain, pointless, sleepy, slow, unlucky } from './definitions';
import type { Acknowledged } from './messages';

type Accept = (tasks: Tasks) => Promise<readonly Acknowledged[]>;

const must =
  (fate: Acknowledged['must']) =>
  ({ id }: { readonly id: string }): Acknowledged => ({ id, must: fate });

/** What callers do, and how often in a hundred. Each brings one task, or a few that hang together. */
const MIX: readonly (readonly [share: number, accept: Accept])[] = [
  [40, async (tasks) => [must('done')(await tasks.accept(plain, {}))]],
  [20, async (tasks) => (await tasks.acceptMany(plain, [{}, {}, {}, {}])).map(must('done'))],
  [
    5,
    async (tasks) => [must('done')(await tasks.accept(plain, {}, { runAt: new Date(Date.now() + randomInt(3_000)) }))],
  ],
  [5, async (tasks) => [must('done')(await tasks.accept(plain, {}, { priority: 'bulk' }))]],
  [5, async (tasks) => [must('done')(await tasks.accept(unlucky, { failures: 1 + randomInt(2) }))]],
  [1, async (tasks) => [must('dead')(await tasks.accept(hopeless, {}))]],
  [2, async (tasks) => [must('done')(await tasks.accept(sleepy, { until: Date.now() + 1_000 }))]],
  [1, async (tasks) => [must('discarded')(await tasks.accept(pointless, {}))]],
  [5, async (tasks) => [must('done')(await tasks.accept(outside, {}))]],
  [5, debounced],
  [4, repeated],
  [4, chained],
  [2, async (tasks) => [must('done')(await tasks.accept(narrow, {}))]],
  [1, cancelled],
];

/** One of few keys, so that most calls find a task that has not started. */
async function debounced(tasks: Tasks): Promise<Acknowledged[]> {
  const uniqueKey = { key: `key-${randomInt(20)}`, replace: true };
  const { id, duplicate } = await tasks.accept(plain, {}, { uniqueKey, runAt: new Date(Date.now() + 500) });
  return [{ id, must: duplicate ? 'joined' : 'done' }];
}

/** A caller that did not trust the first answer. */
async function repeated(tasks: Tasks): Promise<Acknowledged[]> {
  const requestKey = randomUUID();
  const first = await tasks.accept(plain, {}, { requestKey });
  const second = await tasks.accept(plain, {}, { requestKey });
  if (second.id !== first.id) throw new Error(`request key ${requestKey} stands for ${first.id} and ${second.id}`);
  return [must('done')(first)];
}

/** One after two others. */
async function chained(tasks: Tasks): Promise<Acknowledged[]> {
  const parents = await tasks.acceptMany(plain, [{}, {}]);
  const child = await tasks.accept(plain, {}, { after: parents.map(({ id }) => id) });
  return [...parents, child].map(must('done'));
}

async function cancelled(tasks: Tasks): Promise<Acknowledged[]> {
  const { id } = await tasks.accept(slow, {});
  await sleep(randomInt(1_500));
  await tasks.cancel(id).catch((error: unknown) => {
    // It ended before; anything else is wrong.
    if (!(error instanceof Error) || error.name !== 'TaskStateError') throw error;
  });
  return [{ id, must: 'cancelled' }];
}

export interface Acceptor {
  /** Accepts nothing more; resolves when every call that is under way has its answer. */
  stop(): Promise<void>;
}

/** Calls at a steady pace until it is stopped. A call that fails was not acknowledged: it is only reported. */
export function startAcceptor(
  tasks: Tasks,
  rate: number,
  told: (tasks: readonly Acknowledged[]) => void,
  failed: (error: unknown) => void,
): Acceptor {
  const open = new Set<Promise<void>>();
  const total = MIX.reduce((sum, [share]) => sum + share, 0);
  const began = performance.now();
  let sent = 0;
  const call = async (): Promise<void> => {
    let drawn = randomInt(total);
    const [, accept] = MIX.find(([share]) => (drawn -= share) < 0) ?? MIX[0] ?? [];
    if (accept === undefined) return;
    await accept(tasks).then(told, failed);
  };
  const timer = setInterval(() => {
    // A call brings 1.7 tasks on average; the pace is that of tasks.
    for (const due = (((performance.now() - began) / 1000) * rate) / TASKS_A_CALL; sent < due; sent += 1) {
      const calling = call().finally(() => open.delete(calling));
      open.add(calling);
    }
  }, 10);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

/** By the shares above: four for each batch, three for each chain. */
const TASKS_A_CALL = 1.7;
