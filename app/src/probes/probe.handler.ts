import { setTimeout as sleep } from 'node:timers/promises';
import { Discard, handle, NonRetryable, Snooze } from '../tasks';
import type { TaskContext, TaskHandler } from '../tasks';
import { askReceiver } from './ask-receiver';
import { misbehave } from './misbehave';
import { probe } from './probe.task';

const RECORD_EFFECT =
  'insert into app.probe_effect (task_id, attempt, fence, at) values ($1, $2, $3, clock_timestamp())';

export interface ProbeHandlerDependencies {
  /** Where probes of the outcome `external` call; undefined: nowhere. */
  readonly receiverUrl?: string | undefined;
}

export function probeHandler({ receiverUrl }: ProbeHandlerDependencies = {}): TaskHandler {
  return handle(probe, async (context) => {
    const { payload, attempt, fence, taskId, signal } = context;
    signal.throwIfAborted();
    if (attempt <= payload.failTimes) await misbehave(payload);
    if (payload.runMs > 0) await sleep(payload.runMs, undefined, { signal });
    if (payload.outcome === 'external') await callOutside(context, receiverUrl);
    else failAtFirst(context);
    end(payload);
    if (payload.leaves === 'nothing') return undefined;
    if (payload.leaves === 'result') return { taskId, fence };
    context.effects(async (tx) => {
      await tx.query(RECORD_EFFECT, [taskId, attempt, fence]);
    });
    return undefined;
  });
}

type ProbeContext = TaskContext<typeof probe>;

function failAtFirst({ attempt, payload: { failTimes, failBy = 'throw' } }: ProbeContext): void {
  if (failBy === 'throw' && attempt <= failTimes) {
    throw new Error(`attempt ${attempt} of a probe that was asked to fail ${failTimes} times`);
  }
}

/** An external effect. Without a receiver its intent and its receipt in the ledger are all there is. */
async function callOutside(context: ProbeContext, receiverUrl: string | undefined): Promise<void> {
  const { attempt, payload } = context;
  await context.external('probe', { onUnknown: payload.onUnknown ?? 'repeat' }, async (call) => {
    const answer = receiverUrl === undefined ? undefined : await askReceiver(receiverUrl, call);
    // What fails here was received, and nobody knows.
    failAtFirst(context);
    return { attempt, ...(answer !== undefined && { answer }) };
  });
}

function end({ outcome, until }: ProbeContext['payload']): void {
  if (outcome === 'discard') throw new Discard('a probe that was asked to be discarded');
  if (outcome === 'non-retryable') throw new NonRetryable('a probe that was asked to be dead');
  if (outcome !== 'snooze' || until === undefined) return;
  const moment = new Date(until);
  if (moment.getTime() > Date.now()) throw new Snooze(moment);
}
