import { setTimeout as sleep } from 'node:timers/promises';
import { handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { probe } from './probe.task';

const RECORD_EFFECT = 'insert into app.probe_effect (task_id, attempt, at) values ($1, $2, clock_timestamp())';

export function probeHandler(): TaskHandler {
  return handle(probe, async (context) => {
    const { payload, attempt, taskId, signal } = context;
    signal.throwIfAborted();
    if (payload.runMs > 0) await sleep(payload.runMs, undefined, { signal });
    if (attempt <= payload.failTimes) {
      throw new Error(`attempt ${attempt} of a probe that was asked to fail ${payload.failTimes} times`);
    }
    context.effects(async (tx) => {
      await tx.query(RECORD_EFFECT, [taskId, attempt]);
    });
  });
}
