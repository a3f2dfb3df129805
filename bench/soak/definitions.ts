import { z } from 'zod';
import { defineTask } from '../../app/src/tasks';

const backoff = { firstSeconds: 0.2, maxSeconds: 2 };

/** What most tasks are: a little work and one effect. */
export const plain = defineTask({ name: 'soak.plain', queue: 'soak', payload: z.object({}) });
/** Fails that often, then has its effect. */
export const unlucky = defineTask({
  ...{ name: 'soak.unlucky', queue: 'soak', attempts: 4, backoff },
  payload: z.object({ failures: z.int() }),
});
/** Never succeeds. */
export const hopeless = defineTask({
  name: 'soak.hopeless',
  queue: 'soak',
  attempts: 2,
  backoff,
  payload: z.object({}),
});
/** Comes back once before it has its effect. */
export const sleepy = defineTask({ name: 'soak.sleepy', queue: 'soak', payload: z.object({ until: z.number() }) });
export const pointless = defineTask({ name: 'soak.pointless', queue: 'soak', payload: z.object({}) });
/** Long enough to be cancelled while it runs. */
export const slow = defineTask({ name: 'soak.slow', queue: 'soak', payload: z.object({}), timeLimitSeconds: 30 });
/** At most five at a time in the whole fleet. */
export const narrow = defineTask({ name: 'soak.narrow', queue: 'soak-narrow', payload: z.object({}) });
export const NARROW_LIMIT = 5;
/** Does something outside, once for each key. */
export const outside = defineTask({
  name: 'soak.outside',
  queue: 'soak',
  backoff,
  attempts: 10,
  payload: z.object({}),
});
/** What the schedule accepts every second. */
export const tick = defineTask({ name: 'soak.tick', queue: 'soak', payload: z.object({}) });
