import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Tasks } from '../tasks';

/** What the engine of this process did, how long its attempts took, and whether it reaches its Redis. */
export function describeEngine(
  registry: Registry,
  tasks: Pick<Tasks, 'metrics' | 'redisReachable' | 'on'>,
): () => void {
  const durations = new Histogram({
    name: 'holdfast_task_attempt_duration_seconds',
    help: 'Time from the claim of a task to the written end of the attempt, by what came of it, in this process.',
    labelNames: ['name', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers: [registry],
  });
  tasks.on('attempt', ({ name, outcome, durationMs }) => durations.observe({ name, outcome }, durationMs / 1000));

  const redis = new Gauge({
    name: 'holdfast_queue_redis_reachable',
    help: "1 when the queue's Redis answered the last time this process asked it.",
    registers: [registry],
  });
  const counters = new Map<string, Counter>();
  return () => {
    redis.set(tasks.redisReachable() ? 1 : 0);
    for (const [name, value] of Object.entries(tasks.metrics())) {
      const counter = counters.get(name) ?? engineCounter(registry, name);
      counters.set(name, counter);
      // The engine counts itself; a counter of prom-client can be raised or emptied, not set.
      counter.reset();
      counter.inc(value);
    }
  };
}

function engineCounter(registry: Registry, name: string): Counter {
  const words = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return new Counter({
    name: `holdfast_engine_${words}_total`,
    help: `The task engine's counter ${name} of this process since it started.`,
    registers: [registry],
  });
}
