import sharp from 'sharp';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { addScreening } from '../system/add-screening';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Made before the fault, and read while it lasts. */
const SHOWN = 4;
/** A worker makes one after the other, so that most are not made when the store fails. */
const POSTERS = 12;
/** Shorter than the backoff of five attempts. */
const CUT_SECONDS = 5;
const MADE_SECONDS = 30;

/** Faults of the object store. */
export const objectStoreRows: readonly Row[] = [
  {
    id: 'E3',
    fault: 'object store fails half way through an upload',
    mustHold: 'no half object served, task retried',
    system: { s3: true },
    run: async (trial, system) => {
      const { objectServer } = system;
      const picture = await noise();
      const shown = await addScreenings(system, 'Shown', SHOWN);
      const pictures = await posters(system, shown, picture);
      const waiting = await addScreenings(system, 'Waiting', POSTERS);
      const answers: number[] = [];
      const reads = { whole: 0, half: 0, broken: 0 };
      let tasks: readonly string[] = [];
      await trial.disturb({
        begin: async () => {
          tasks = await Promise.all(waiting.map((id) => upload(system, id, picture)));
          objectServer.fault = 'half-way';
        },
        last: async (fromMs) => {
          await trial.lasts(CUT_SECONDS, fromMs, async () => {
            answers.push((await put(system, shown[0]!, picture)).status);
            await readAll(system, pictures, reads);
          });
          for (const id of waiting) await readAll(system, await picturesOf(system, id), reads);
        },
        heal: () => {
          objectServer.fault = 'none';
          return Promise.resolve();
        },
        goesOn: ['accepting', 'working'],
      });
      const { uploads, downloads } = objectServer.cut;
      trial.note(`${uploads} uploads to the store and ${downloads} downloads from it were cut off half way`);
      trial.check(uploads > 0 && downloads > 0, 'the store did not cut off both uploads and downloads');
      trial.check(
        answers.every((status) => status >= 500),
        `uploads were answered ${answers.join(', ')} while the store failed`,
      );
      trial.note(
        `${answers.length} uploads were refused meanwhile; readers had ${reads.whole} pictures and ${reads.broken} errors`,
      );
      trial.check(reads.half === 0, `${reads.half} answers of 200 were half a picture`);
      trial.check(reads.broken > 0, 'nobody noticed that the store failed');
      const made = await system.ledger.tasks(tasks);
      const attempts = made.map((task) => task.attempts);
      trial.note(`posters were made after ${attempts.join(', ')} attempts`);
      trial.check(
        made.every(({ state }) => state === 'done') && attempts.some((count) => count > 1),
        'not every poster was made, or none was tried again',
      );
      for (const id of [...shown, ...waiting]) await showsWhole(trial, system, id);
    },
  },
];

/** A picture that does not get small when it is compressed. */
function noise(): Promise<Buffer> {
  const gaussian = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const create = { width: 800, height: 1200, channels: 3, background: 'teal', noise: gaussian } as const;
  return sharp({ create }).jpeg().toBuffer();
}

function addScreenings(system: System, title: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => addScreening(system.client, `${title} ${i}`)));
}

/** Gives each a poster. @returns where its pictures are */
async function posters(system: System, screenings: readonly string[], picture: Buffer): Promise<string[]> {
  const tasks = await Promise.all(screenings.map((id) => upload(system, id, picture)));
  await waitUntil(
    'the first posters are made',
    async () => (await system.ledger.tasks(tasks)).every(({ state }) => state === 'done'),
    { limitSeconds: MADE_SECONDS, everyMilliseconds: 100 },
  );
  return (await Promise.all(screenings.map((id) => picturesOf(system, id)))).flat();
}

/** @returns its task */
async function upload(system: System, screeningId: string, picture: Buffer): Promise<string> {
  const { status, body } = await put(system, screeningId, picture);
  if (status !== 202) throw new Error(`PUT poster was answered ${status}: ${body}`);
  return (JSON.parse(body) as { taskId: string }).taskId;
}

async function put(system: System, screeningId: string, picture: Buffer): Promise<{ status: number; body: string }> {
  const form = new FormData();
  form.set('poster', new Blob([new Uint8Array(picture)], { type: 'image/jpeg' }), 'poster.jpg');
  const answer = await fetch(system.address(`/api/screenings/${screeningId}/poster`), {
    method: 'PUT',
    headers: { authorization: `Bearer ${system.token}` },
    body: form,
  });
  return { status: answer.status, body: await answer.text() };
}

async function picturesOf(system: System, screeningId: string): Promise<string[]> {
  const screening = await system.client.get(`/api/screenings/${screeningId}`);
  const { poster } = JSON.parse(screening.body) as { poster: { url: string }[] };
  return poster.map(({ url }) => url);
}

/** What is answered is a whole picture, or an error that nobody takes for one. */
async function readAll(
  system: System,
  urls: readonly string[],
  reads: { whole: number; half: number; broken: number },
): Promise<void> {
  for (const url of urls) {
    const bytes = await bytesOf(system, url);
    if (bytes === undefined) reads.broken += 1;
    else if (await isWhole(bytes)) reads.whole += 1;
    else reads.half += 1;
  }
}

async function showsWhole(trial: Trial, system: System, screeningId: string): Promise<void> {
  const urls = await picturesOf(system, screeningId);
  trial.check(urls.length > 0, `screening ${screeningId} has no poster`);
  for (const url of urls) {
    const bytes = await bytesOf(system, url);
    trial.check(bytes !== undefined && (await isWhole(bytes)), `GET ${url} was answered ${bytes?.length} bytes`);
  }
}

/** Undefined unless a whole answer of 200 came. */
async function bytesOf(system: System, url: string): Promise<Buffer | undefined> {
  try {
    const answer = await fetch(system.address(url));
    const bytes = Buffer.from(await answer.arrayBuffer());
    return answer.status === 200 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(picture: Buffer): Promise<boolean> {
  return sharp(picture, { failOn: 'truncated' })
    .stats()
    .then(
      () => true,
      () => false,
    );
}
