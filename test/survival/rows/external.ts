import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import sharp from 'sharp';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { addScreening } from '../system/add-screening';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Below what one client may ask for in an hour. */
const CONTACTS = 20;
const PARKED = 5;
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
    mustHold: "by the effect's policy: `repeat` sends again, `park` waits for a person",
    system: { mail: true },
    run: async (trial, system) => {
      const { mail } = system;
      let contacts: readonly Contact[] = [];
      let parked: readonly string[] = [];
      await trial.disturb({
        begin: async (load) => {
          mail.receive = (earlier) => (earlier === 0 ? 'accept-silently' : 'accept');
          contacts = await addContacts(system);
          parked = await trial.post(load, {
            ...{ count: PARKED, runMs: 0, failTimes: 1, outcome: 'external', onUnknown: 'park' },
          });
        },
        last: async () => {
          await areParked(system, parked);
          await codesSent(system, contacts);
          for (const id of parked) {
            const { status, body } = await system.client.post(`/api/tasks/${id}/resolve`, { outcome: 'sent' });
            trial.check(status === 200, `POST resolve was answered ${status}: ${body}`);
          }
        },
        goesOn: ['accepting', 'working'],
      });
      const times = contacts.map(({ address }) => mail.takenFor(address).length);
      trial.check(
        times.every((count) => count === 2),
        `mails for each address: ${times.join(' ')}; one was accepted in silence, one was answered`,
      );
      trial.note(`${contacts.length} mails accepted in silence and sent again; ${parked.length} parked and resolved`);
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
    const { status, body } = await system.client.post('/api/contacts', { channel: 'email', address });
    if (status !== 202) throw new Error(`POST /api/contacts was answered ${status}: ${body}`);
    return { ...(JSON.parse(body) as { id: string; taskId: string }), address };
  });
  return Promise.all(asked);
}

async function codesSent(system: System, contacts: readonly Contact[]): Promise<void> {
  const ids = contacts.map(({ taskId }) => taskId);
  await waitUntil(
    'every code has been sent',
    async () => (await system.ledger.tasks(ids)).every(({ state }) => state === 'done'),
    { limitSeconds: SENT_SECONDS, everyMilliseconds: 250 },
  );
}

async function areParked(system: System, ids: readonly string[]): Promise<void> {
  await waitUntil(
    'what nobody knows the outcome of is parked',
    async () => (await system.ledger.tasks(ids)).every(({ state }) => state === 'parked'),
    { limitSeconds: 30, everyMilliseconds: 100 },
  );
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
