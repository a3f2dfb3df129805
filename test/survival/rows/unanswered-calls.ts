import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Of each policy. */
const CALLS = 6;
/** Until the worker has some, and not the other one all; together they leave slots for other tasks. */
const MOST_ROUNDS = 3;
/** Below the time for which a probe waits for its answer. */
const CALLED_SECONDS = 8;
/** A lost worker's lease, until another has looked at what it left. */
const PARKED_SECONDS = 30;

/** Tasks whose call the receiver has accepted, and did not answer. */
export interface UnansweredCalls {
  /** These are called again under the same key. */
  readonly repeated: readonly string[];
  /** These wait for a person. */
  readonly parked: readonly string[];
}

/** The receiver accepts calls and falls silent, until the worker waits for its answer to some calls of each policy. */
export async function leaveCallsUnanswered(
  trial: Trial,
  system: System,
  load: Load,
  registration: string,
): Promise<UnansweredCalls> {
  const { receiver } = system;
  receiver.answering = () => 'be-silent';
  const call = { count: CALLS, runMs: 0, priority: 'high', outcome: 'external' } as const;
  const repeated: string[] = [];
  const parked: string[] = [];
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    repeated.push(...(await trial.post(load, { ...call, onUnknown: 'repeat' })));
    parked.push(...(await trial.post(load, { ...call, onUnknown: 'park' })));
    await waitUntil(
      'the receiver has every call',
      () => [...repeated, ...parked].every((id) => callsOf(system, id) > 0),
      {
        limitSeconds: CALLED_SECONDS,
      },
    );
    const running = new Set(await system.ledger.runningOn(registration));
    const calls = {
      repeated: repeated.filter((id) => running.has(id)),
      parked: parked.filter((id) => running.has(id)),
    };
    if (calls.repeated.length > 0 && calls.parked.length > 0) return calls;
  }
  throw new Error('the worker made no calls of each policy: the other one made all');
}

/** Each that is repeated was called twice under one key, each that is parked once. */
export function checkCalls(trial: Trial, system: System, { repeated, parked }: UnansweredCalls): void {
  const times = (ids: readonly string[]): number[] => ids.map((id) => callsOf(system, id));
  const [again, once] = [times(repeated), times(parked)];
  trial.check(
    again.every((calls) => calls === 2),
    `calls to be repeated under their key came ${again.join(' ')} times`,
  );
  trial.check(
    once.every((calls) => calls === 1),
    `calls that wait for a person came ${once.join(' ')} times`,
  );
  trial.note(`${again.length} unanswered calls repeated under the same key, ${once.length} parked and resolved`);
}

export async function areParked(system: System, ids: readonly string[]): Promise<void> {
  await waitUntil(
    'what nobody knows the outcome of is parked',
    async () => (await system.ledger.tasks(ids)).every(({ state }) => state === 'parked'),
    { limitSeconds: PARKED_SECONDS, everyMilliseconds: 100 },
  );
}

/** What a person does who has found out that the receiver has them. */
export async function resolveAsSent(trial: Trial, system: System, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { status, body } = await system.client.post(`/api/tasks/${id}/resolve`, { outcome: 'sent' });
    trial.check(status === 200, `POST resolve was answered ${status}: ${body}`);
  }
}

/** How often the receiver was called for a probe. */
function callsOf(system: System, taskId: string): number {
  return system.receiver.callsUnder(`${taskId}:probe`);
}
