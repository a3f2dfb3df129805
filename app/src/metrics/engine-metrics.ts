import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Tasks } from '../tasks';

/** What the engine of this process did, and whether it reaches its Redis. */
export function describeEngine(registry: Registry, tasks: Pick<Tasks, 'metrics' | 'redisReachable'>): () => void {
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
