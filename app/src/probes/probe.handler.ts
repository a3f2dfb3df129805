import { setTimeout as sleep } from 'node:timers/promises';
import { Discard, handle, NonRetryable, Snooze } from '../tasks';
import type { TaskContext, TaskHandler } from '../tasks';
import { misbehave } from './misbehave';
import { probe } from './probe.task';

const RECORD_EFFECT =
  'insert into app.probe_effect (task_id, attempt, fence, at) values ($1, $2, $3, clock_timestamp())';

export function probeHandler(): TaskHandler {
  return handle(probe, async (context) => {
    const { payload, attempt, fence, taskId, signal } = context;
    signal.throwIfAborted();
    if (attempt <= payload.failTimes) await misbehave(payload);
    if (payload.runMs > 0) await sleep(payload.runMs, undefined, { signal });
    if (payload.outcome === 'external') await callNobody(context);
    else failAtFirst(context);
    end(context.payload);
    context.effects(async (tx) => {
      await tx.query(RECORD_EFFECT, [taskId, attempt, fence]);
    });
  });
}

type ProbeContext = TaskContext<typeof probe>;

function failAtFirst({ attempt, payload: { failTimes, failBy = 'throw' } }: ProbeContext): void {
  if (failBy === 'throw' && attempt <= failTimes) {
    throw new Error(`attempt ${attempt} of a probe that was asked to fail ${failTimes} times`);
  }
}

/** An external effect with nobody outside: its intent and its receipt in the ledger are all there is. */
async function callNobody(context: ProbeContext): Promise<void> {
  const { attempt, payload } = context;
  await context.external('probe', { onUnknown: payload.onUnknown ?? 'repeat' }, () => {
    failAtFirst(context);
    return Promise.resolve({ attempt });
  });
}

function end({ outcome, until }: ProbeContext['payload']): void {
  if (outcome === 'discard') throw new Discard('a probe that was asked to be discarded');
  if (outcome === 'non-retryable') throw new NonRetryable('a probe that was asked to be dead');
  if (outcome !== 'snooze' || until === undefined) return;
  const moment = new Date(until);
  if (moment.getTime() > Date.now()) throw new Snooze(moment);
}
