import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { RETRY_AFTER_SECONDS } from '../system/effect-receiver';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { areParked, checkCalls, resolveAsSent } from './unanswered-calls';

/** Below what one client may ask for in an hour. */
const CONTACTS = 20;
/** To the receiver of probes, of each policy. */
const CALLS = 5;
const REFUSING_SECONDS = 60;
/** The sender's patience with a silent server (15 s), twice, and its backoff. */
const SENT_SECONDS = 90;
/** Most that one call may be refused in this time: by 429 every two seconds at most, by 503 with a backoff of up to 5 s. */
const MOST_REFUSALS = 40;

/** Faults of services outside that are called: the mail provider, and whom probes call. */
export const externalRows: readonly Row[] = [
  {
    id: 'E1',
    fault: 'mail provider times out after it accepted',
    mustHold: "by the effect's policy: `repeat` sends under the same key, `park` waits for a person",
    system: { mail: true },
    run: async (trial, system) => {
      const { mail, receiver } = system;
      let contacts: readonly Contact[] = [];
      let repeated: readonly string[] = [];
      let parked: readonly string[] = [];
      await trial.disturb({
        begin: async (load) => {
          mail.receive = (earlier) => (earlier === 0 ? 'accept-silently' : 'accept');
          receiver.answering = (earlier) => (earlier === 0 ? 'be-silent' : 'answer');
          contacts = await addContacts(system);
          const call = { count: CALLS, runMs: 0, priority: 'high', outcome: 'external' } as const;
          repeated = await trial.post(load, { ...call, onUnknown: 'repeat' });
          parked = await trial.post(load, { ...call, onUnknown: 'park' });
        },
        last: async () => {
          await areParked(system, parked);
          await codesSent(system, contacts);
          await doneInTime(system, repeated, 'every silent call has been repeated');
          checkCalls(trial, system, { repeated, parked });
          await resolveAsSent(trial, system, parked);
        },
        goesOn: ['accepting', 'working'],
      });
      const times = contacts.map(({ address }) => mail.takenFor(address).length);
      trial.check(
        times.every((count) => count === 2),
        `mails for each address: ${times.join(' ')}; one was accepted in silence, one was answered`,
      );
      const messageIds = new Set(mail.taken.map(({ text }) => /^message-id: *(\S+)/im.exec(text)?.[1]));
      // A code that is sent again is another one: under the same id a mailbox might drop it as a copy.
      trial.check(
        messageIds.size === mail.taken.length,
        `${mail.taken.length} mails have ${messageIds.size} Message-IDs`,
      );
      trial.note(`${contacts.length} codes accepted in silence, and another code sent to each`);
    },
  },
  {
    id: 'E2',
    fault: 'mail provider answers 429/5xx for a minute',
    mustHold: 'backoff, all sent',
    system: { mail: true },
    run: async (trial, system) => {
      const { mail, receiver } = system;
      let contacts: readonly Contact[] = [];
      let calls: readonly string[] = [];
      await trial.disturb({
        begin: async (load) => {
          mail.receive = () => 'refuse-for-now';
          receiver.answering = (_, refused) => (refused % 2 === 0 ? 429 : 503);
          contacts = await addContacts(system);
          const call = { count: CALLS, runMs: 0, priority: 'high', outcome: 'external' } as const;
          calls = [
            ...(await trial.post(load, { ...call, onUnknown: 'repeat' })),
            ...(await trial.post(load, { ...call, onUnknown: 'park' })),
          ];
        },
        last: async (fromMs) => {
          await trial.lasts(REFUSING_SECONDS, fromMs);
          trial.check(mail.refused >= contacts.length, `the provider refused ${mail.refused} mails only`);
        },
        heal: async () => {
          mail.receive = () => 'accept';
          receiver.answerAll();
          await codesSent(system, contacts);
          await doneInTime(system, calls, 'every refused call has been taken');
        },
        goesOn: ['accepting', 'working'],
      });
      const times = contacts.map(({ address }) => mail.takenFor(address).length);
      trial.check(
        times.every((count) => count === 1),
        `mails for each address: ${times.join(' ')}`,
      );
      trial.check(mail.refused < 10 * contacts.length, `${mail.refused} refusals: the backoff is too short`);
      trial.note(`${mail.refused} refusals in a minute, then ${contacts.length} mails, each once`);
      checkRefusedCalls(trial, system, calls);
    },
  },
];

/** Each was refused in both ways, waited as long as it was asked to and was then taken once, whatever its policy. */
function checkRefusedCalls(trial: Trial, { receiver }: System, calls: readonly string[]): void {
  const keys = calls.map((id) => `${id}:probe`);
  const refusals = keys.map((key) => receiver.refusalsOf(key));
  const counts = refusals.map(({ length }) => length);
  trial.check(
    counts.every((count) => count >= 2 && count <= MOST_REFUSALS),
    `calls were refused ${counts.join(' ')} times in a minute`,
  );
  const waitsMs = refusals.flatMap((of) =>
    of.flatMap(({ status, atMs }, i) => (status === 429 && i + 1 < of.length ? [of[i + 1]!.atMs - atMs] : [])),
  );
  const least = Math.min(...waitsMs) / 1_000;
  trial.check(
    least >= RETRY_AFTER_SECONDS,
    `a call came ${least} s after a 429 with Retry-After: ${RETRY_AFTER_SECONDS}`,
  );
  const taken = keys.map((key) => receiver.callsUnder(key));
  trial.check(
    taken.every((count) => count === 1),
    `refused calls were taken ${taken.join(' ')} times`,
  );
  trial.note(
    `calls refused ${counts.join(' ')} times with 429 or 503, the next after a 429 ${least.toFixed(1)} s later at least`,
  );
}

interface Contact {
  readonly id: string;
  readonly address: string;
  readonly taskId: string;
}

async function addContacts(system: System): Promise<Contact[]> {
  const asked = Array.from({ length: CONTACTS }, async (_, i) => {
    const address = `reader-${i}@example.org`;
    const body = await waitUntil(
      `POST /api/contacts for ${address} is answered 202`,
      async () => {
        const answer = await system.client.post('/api/contacts', { channel: 'email', address });
        if (answer.status !== 202 && answer.status !== 503)
          throw new Error(`POST /api/contacts was answered ${answer.status}: ${answer.body}`);
        return answer.status === 202 && answer.body;
      },
      { limitSeconds: 10, everyMilliseconds: 250 },
    );
    return { ...(JSON.parse(body) as { id: string; taskId: string }), address };
  });
  return Promise.all(asked);
}

async function codesSent(system: System, contacts: readonly Contact[]): Promise<void> {
  const ids = contacts.map(({ taskId }) => taskId);
  await doneInTime(system, ids, 'every code has been sent');
}

async function doneInTime(system: System, ids: readonly string[], what: string): Promise<void> {
  await waitUntil(what, async () => (await system.ledger.tasks(ids)).every(({ state }) => state === 'done'), {
    limitSeconds: SENT_SECONDS,
    everyMilliseconds: 250,
  });
}
