import type { Comparison } from '../report';
import { quantile } from '../statistics';
import type { AcceptMode } from './contender';
import { descendantsCpuMs } from './cpu';
import type { Span } from './messages';
import type { Troupe } from './troupe';

/** One figure of the table, and how it is called. */
export type Figure = Pick<Comparison, 'id' | 'title' | 'unit'>;

/** One piece of a round: what is done with fresh processes on empty servers, and which figures come of it. */
export interface Scene {
  readonly title: string;
  readonly workers: number;
  /** How the tasks of the warm-up are handed over; the same as those that are measured. */
  readonly warmUp: AcceptMode;
  readonly figures: readonly Figure[];
  /** @returns one value for each figure, in the same order; undefined for what cannot be measured here. */
  play(troupe: Troupe, tasks: number, signal: AbortSignal): Promise<readonly (number | undefined)[]>;
}

/** Light load: far below what either system can do, so that nothing queues up. */
export const STEADY_PER_SECOND = 100;
export const STEADY_TASKS = 1_000;

export const SCENES: readonly Scene[] = [
  {
    title: 'batches of 100, then 1 worker',
    workers: 1,
    warmUp: 'batch',
    figures: [
      rate('accept-batch', 'accept/s, batches of 100'),
      rate('processed-1', 'processed/s, 1 worker'),
      cpu('cpu-1', 'CPU µs a task, 1 worker'),
    ],
    play: (troupe, tasks, signal) => acceptThenDrain(troupe, 'batch', tasks, signal),
  },
  {
    title: 'coalesced, then 2 workers',
    workers: 2,
    warmUp: 'coalesced',
    figures: [
      rate('accept-coalesced', 'accept/s, coalesced'),
      rate('processed-2', 'processed/s, 2 workers'),
      cpu('cpu-2', 'CPU µs a task, 2 workers'),
    ],
    play: (troupe, tasks, signal) => acceptThenDrain(troupe, 'coalesced', tasks, signal),
  },
  {
    title: 'one by one',
    workers: 1,
    warmUp: 'single',
    figures: [rate('accept-single', 'accept/s, one by one')],
    play: async (troupe, tasks, signal) => (await acceptThenDrain(troupe, 'single', tasks, signal)).slice(0, 1),
  },
  {
    title: 'accept and process at once',
    workers: 1,
    warmUp: 'coalesced',
    figures: [rate('both-at-once', 'both at once, end to end/s')],
    play: async (troupe, tasks, signal) => {
      await troupe.startWorkers();
      const { beganMs } = await troupe.accept('coalesced', tasks);
      return [perSecond(tasks, { beganMs, endedMs: await troupe.untilAllDone(signal) })];
    },
  },
  {
    title: `latency at ${STEADY_PER_SECOND} tasks/s`,
    workers: 1,
    warmUp: 'coalesced',
    figures: [time('start-p50', 'accept to start, p50 ms'), time('start-p99', 'accept to start, p99 ms')],
    play: async (troupe, _tasks, signal) => {
      await troupe.startWorkers();
      await troupe.takeLatencies();
      await troupe.acceptSteadily(STEADY_TASKS, STEADY_PER_SECOND);
      await troupe.untilAllDone(signal);
      const latencies = await troupe.takeLatencies();
      if (latencies.length < STEADY_TASKS) {
        throw new Error(`${troupe.contender}: ${latencies.length} of ${STEADY_TASKS} tasks told when they began`);
      }
      return [quantile(latencies, 0.5), quantile(latencies, 0.99)];
    },
  },
];

/** Accepts a backlog while nobody works, then lets the workers drain it. */
async function acceptThenDrain(troupe: Troupe, mode: AcceptMode, tasks: number, signal: AbortSignal) {
  const accepting = await troupe.accept(mode, tasks);
  const cpuBeganMs = descendantsCpuMs();
  const beganMs = await troupe.startWorkers();
  const endedMs = await troupe.untilAllDone(signal);
  const cpuEndedMs = descendantsCpuMs();
  const cpuMs = cpuBeganMs === undefined || cpuEndedMs === undefined ? undefined : cpuEndedMs - cpuBeganMs;
  return [
    perSecond(tasks, accepting),
    perSecond(tasks, { beganMs, endedMs }),
    cpuMs === undefined ? undefined : (cpuMs * 1000) / tasks,
  ];
}

function perSecond(tasks: number, { beganMs, endedMs }: Span): number {
  return (tasks * 1000) / (endedMs - beganMs);
}

function rate(id: string, title: string): Figure {
  return { id, title, unit: 'tasks/s' };
}

function cpu(id: string, title: string): Figure {
  return { id, title, unit: 'µs' };
}

function time(id: string, title: string): Figure {
  return { id, title, unit: 'ms' };
}
