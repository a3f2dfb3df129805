import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import sharp from 'sharp';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { addScreening } from '../system/add-screening';
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
/** A worker makes one after the other, so that some are not made when the store goes away. */
const POSTERS = 12;

/** Faults of services outside: the mail provider and the object store. */
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
      const { mail } = system;
      let contacts: readonly Contact[] = [];
      await trial.disturb({
        begin: async () => {
          mail.receive = () => 'refuse-for-now';
          contacts = await addContacts(system);
        },
        last: async (fromMs) => {
          await trial.lasts(REFUSING_SECONDS, fromMs);
          trial.check(mail.refused >= contacts.length, `the provider refused ${mail.refused} mails only`);
        },
        heal: async () => {
          mail.receive = () => 'accept';
          await codesSent(system, contacts);
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
    },
  },
  {
    id: 'E3',
    fault: 'object store fails half way through an upload',
    mustHold: 'no half object served, task retried',
    run: async (trial, system) => {
      const titles = Array.from({ length: POSTERS }, (_, i) => `Poster ${i}`);
      const screenings = await Promise.all(titles.map((title) => addScreening(system.client, title)));
      const picture = await sharp({ create: { width: 800, height: 1200, channels: 3, background: 'teal' } })
        .jpeg()
        .toBuffer();
      const away = `${system.objects}-away`;
      let tasks: string[] = [];
      let status: number | undefined;
      await trial.disturb({
        begin: async () => {
          status = await halfAnUpload(system, screenings[0]!, picture, async () => {
            tasks = await Promise.all(screenings.map((id) => upload(system, id, picture)));
            renameSync(system.objects, away);
            // What is asked for is not missing: nothing can be asked for.
            writeFileSync(system.objects, '');
          });
        },
        last: async (fromMs) => {
          trial.check(status === undefined || status >= 500, `half an upload was answered ${status}`);
          await trial.lasts(5, fromMs);
        },
        heal: () => {
          rmSync(system.objects, { recursive: true, force: true });
          renameSync(away, system.objects);
          return Promise.resolve();
        },
        goesOn: ['accepting', 'working'],
      });
      const attempts = (await system.ledger.tasks(tasks)).map((task) => task.attempts);
      trial.note(`posters were made after ${attempts.join(', ')} attempts`);
      trial.check(
        attempts.some((count) => count > 1),
        'no poster was tried again',
      );
      for (const id of screenings) await wholePicture(trial, system, id);
    },
  },
];

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

/** @returns its task */
async function upload(system: System, screeningId: string, picture: Buffer): Promise<string> {
  const form = new FormData();
  form.set('poster', new Blob([new Uint8Array(picture)], { type: 'image/jpeg' }), 'poster.jpg');
  const answer = await fetch(system.address(`/api/screenings/${screeningId}/poster`), {
    method: 'PUT',
    headers: { authorization: `Bearer ${system.token}` },
    body: form,
  });
  if (answer.status !== 202) throw new Error(`PUT poster was answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { taskId: string }).taskId;
}

/** Sends half of the file, lets the fault come, and sends the rest. @returns the status, if there was an answer */
function halfAnUpload(
  system: System,
  screeningId: string,
  picture: Buffer,
  fault: () => Promise<void>,
): Promise<number | undefined> {
  const boundary = 'half-way';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="poster"; filename="half.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      system.address(`/api/screenings/${screeningId}/poster`),
      {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${system.token}`,
          'content-type': `multipart/form-data; boundary=${boundary}`,
        },
      },
      (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      },
    );
    outgoing.on('error', () => resolve(undefined));
    outgoing.write(head);
    outgoing.write(picture.subarray(0, picture.length / 2));
    setTimeout(() => {
      fault().then(
        () =>
          outgoing.end(Buffer.concat([picture.subarray(picture.length / 2), Buffer.from(`\r\n--${boundary}--\r\n`)])),
        reject,
      );
    }, 500);
  });
}

async function wholePicture(trial: Trial, system: System, screeningId: string): Promise<void> {
  const screening = await system.client.get(`/api/screenings/${screeningId}`);
  const { poster } = JSON.parse(screening.body) as { poster: { url: string }[] };
  for (const { url } of poster) {
    const answer = await fetch(system.address(url));
    const bytes = Buffer.from(await answer.arrayBuffer());
    const whole = await sharp(bytes, { failOn: 'truncated' })
      .stats()
      .then(
        () => true,
        () => false,
      );
    trial.check(answer.status === 200 && whole, `GET ${url} was answered ${answer.status}, ${bytes.length} bytes`);
  }
  trial.check(poster.length > 0, `screening ${screeningId} has no poster`);
}
