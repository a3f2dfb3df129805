import type { DispatchItem } from '../dispatching/dispatcher';
import { InvalidTaskError, NonRetryable, TaskStateError } from '../errors';
import { storableJson } from '../storable-json';
import type { Resolution, Transaction } from '../types';
import { MAX_RECEIPT_BYTES } from './external';
import { EXTERNAL } from './external-statements';

/** What became of a parked task. `dispatch` is what to hand over after the commit. */
export interface Resolved {
  readonly found: boolean;
  readonly dispatch: readonly DispatchItem[];
}

interface QuestionRow {
  key: string;
  received: boolean;
}

/**
 * Writes down what a person found out about an external effect of a parked task, and queues the task again when nothing else
 * of it is in question.
 * @throws TaskStateError when the task is not parked
 * @throws InvalidTaskError when the resolution does not fit what is in question
 */
export async function resolveTask(tx: Transaction, uuid: string, resolution: Resolution): Promise<Resolved> {
  const receipt = receiptOf(resolution);
  const { rows } = await tx.query<{ id: string; state: string }>(EXTERNAL.parked_task, [uuid]);
  const [task] = rows;
  if (task === undefined) return { found: false, dispatch: [] };
  if (task.state !== 'parked') throw new TaskStateError(uuid, task.state, 'only a parked task can be resolved');
  const effects = (await tx.query<QuestionRow>(EXTERNAL.in_question, [task.id])).rows;
  const open = effects.filter(({ received }) => !received).map(({ key }) => key);
  const key = keyOf(resolution, open, effects);
  if (key !== undefined) {
    if (resolution.outcome === 'sent') await tx.query(EXTERNAL.sent, [task.id, key, receipt ?? null]);
    else await tx.query(EXTERNAL.taken_back, [task.id, key]);
  }
  if (open.some((other) => other !== key)) return { found: true, dispatch: [] };
  return { found: true, dispatch: (await tx.query<DispatchItem>(EXTERNAL.queue, [task.id])).rows };
}

/**
 * Which effect is meant; undefined when nothing is in question any more: its receipt has come in late, or its call has said
 * late that nothing was sent.
 */
function keyOf({ key, outcome }: Resolution, open: readonly string[], all: readonly QuestionRow[]): string | undefined {
  const known = key === undefined ? all.length > 0 : all.some((one) => one.key === key);
  if (open.length > 0) {
    const has = open.map((one) => JSON.stringify(one)).join(', ');
    if (!known) throw new InvalidTaskError('key', `is ${JSON.stringify(key)}; in question is ${has}`);
    if (key === undefined && open.length > 1) throw new InvalidTaskError('key', `is missing; in question is ${has}`);
  }
  const meant = key === undefined ? open[0] : open.find((one) => one === key);
  if (meant !== undefined) return meant;
  if (known && outcome === 'not-sent') {
    throw new InvalidTaskError('outcome', 'is not-sent, but the receipt has come in meanwhile: it was sent');
  }
  if (!known && outcome === 'sent') {
    throw new InvalidTaskError('outcome', 'is sent, but the call itself has said meanwhile that nothing was sent');
  }
  return undefined;
}

function receiptOf({ outcome, receipt }: Resolution): string | undefined {
  if (outcome === 'not-sent' && receipt !== undefined) {
    throw new InvalidTaskError('receipt', 'is given for what was not sent');
  }
  try {
    return storableJson('the receipt', receipt, MAX_RECEIPT_BYTES);
  } catch (error) {
    if (error instanceof NonRetryable)
      throw new InvalidTaskError('receipt', error.message.replace(/^the receipt /, ''));
    throw error;
  }
}
