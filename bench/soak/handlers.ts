import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskContext, TaskHandler } from '../../app/src/tasks';
import { Discard, handle, Snooze } from '../../app/src/tasks';
import { hopeless, narrow, outside, plain, pointless, sleepy, slow, tick, unlucky } from './definitions';

/** The one trace that a task leaves; not unique on purpose, so that a second one is seen. */
function leaveEffect(context: TaskContext): void {
  context.effects((tx) => tx.query('insert into soak.effect (task_id) values ($1)', [context.taskId]));
}

/** A receiver that honours keys, in a table of its own transaction. */
type Receive = (key: string) => Promise<void>;

export function soakHandlers(receive: Receive): TaskHandler[] {
  return [
    handle(plain, (context) => {
      leaveEffect(context);
      return Promise.resolve({ ok: true });
    }),
    handle(unlucky, (context) => {
      if (context.attempt <= context.payload.failures) throw new Error('not yet');
      leaveEffect(context);
      return Promise.resolve();
    }),
    handle(hopeless, () => Promise.reject(new Error('never'))),
    handle(sleepy, (context) => {
      if (Date.now() < context.payload.until) throw new Snooze(new Date(context.payload.until));
      leaveEffect(context);
      return Promise.resolve();
    }),
    handle(pointless, () => Promise.reject(new Discard('nothing to do'))),
    handle(slow, async (context) => {
      await sleep(1_000, undefined, { signal: context.signal });
      leaveEffect(context);
    }),
    handle(narrow, async (context) => {
      await sleep(20, undefined, { signal: context.signal });
      leaveEffect(context);
    }),
    handle(outside, async (context) => {
      await context.external('send', { onUnknown: 'repeat' }, ({ idempotencyKey }) => receive(idempotencyKey));
      leaveEffect(context);
    }),
    handle(tick, (context) => {
      leaveEffect(context);
      return Promise.resolve();
    }),
  ];
}
