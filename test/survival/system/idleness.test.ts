import { longestIdleMs } from './idleness';
import type { Registration, Run } from './idleness';
import type { WellSpan } from './life';

const WORKER: Registration = { id: 'a', pid: 1, queues: ['probes'], kinds: ['probe@1'], concurrency: 2, hungMs: null };
const WELL: WellSpan = { pid: 1, fromMs: 0, toMs: Infinity, end: undefined };
const WINDOW = { fromMs: 0, toMs: 30_000 };
/** Due at the beginning and begun by another worker, one after the other, until 20 s have passed. */
const BACKLOG = Array.from({ length: 20 }, (_, i) => run({ worker: 'b', startedMs: (i + 1) * 1_000 }));

function run(more: Partial<Run>): Run {
  const startedMs = more.startedMs ?? 0;
  return { worker: 'a', kind: 'probe@1', queue: 'probes', dueMs: 0, startedMs, endedMs: startedMs + 100, ...more };
}

function idleMs(runs: readonly Run[], spans: readonly WellSpan[] = [WELL], worker = WORKER): number {
  return longestIdleMs(spans, { registrations: [worker], runs, window: WINDOW });
}

it('sees a worker that stands idle beside a backlog that another one works off', () => {
  expect(idleMs(BACKLOG)).toBe(19_000);
});

it('ends with each task that the worker begins or ends', () => {
  expect(idleMs([...BACKLOG, run({ startedMs: 8_000, endedMs: 12_000 })])).toBe(8_000);
});

it('does not ask for tasks from a worker whose slots are full', () => {
  const long = { startedMs: 2_000, endedMs: 18_000 };
  expect(idleMs([...BACKLOG, run(long)])).toBe(16_000);
  expect(idleMs([...BACKLOG, run(long), run(long)])).toBe(2_000);
});

it('does not ask for tasks from a worker that is stopped, nor from one with a handler that hangs', () => {
  const stopped = { ...WELL, toMs: 4_000, end: 'blow' } as const;
  expect(idleMs(BACKLOG, [stopped, { ...WELL, fromMs: 14_000 }])).toBe(6_000);
  expect(idleMs(BACKLOG, [WELL], { ...WORKER, hungMs: 7_000 })).toBe(6_000);
});

it('calls nothing a backlog that is on its way, of a queue or a kind of others, or of unknown age', () => {
  const soon = Array.from({ length: 30 }, (_, i) => run({ worker: 'b', dueMs: i * 1_000, startedMs: i * 1_000 + 900 }));
  expect(idleMs(soon)).toBe(0);
  for (const more of [{ queue: 'other' }, { kind: 'probe@2' }, { dueMs: undefined }])
    expect(idleMs(BACKLOG.map((each) => ({ ...each, ...more })))).toBe(0);
});
