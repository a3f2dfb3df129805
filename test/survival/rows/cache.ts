import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../row';
import { addScreening } from '../system/add-screening';
import type { HttpClient } from '../system/http-client';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** After which an entry that nobody invalidated is gone. */
const TTL_SECONDS = 30;
/** Two at a time, so that one comes while a page is computed that does not have it. */
const WRITES = 40;
/** On both web processes; each asks again as soon as it has its answer. */
const READERS = 20;
const LIST = '/api/screenings';

/** Faults of the cache, which pages are read from. One web process writes, the other one is read. */
export const cacheRows: readonly Row[] = [
  {
    id: 'R10',
    fault: 'cache Redis down, emptied, or unreachable for the writer only',
    mustHold:
      'pages are slower, not failing; never stale after an answered write while invalidation works, else at most the TTL (30 s)',
    system: { cache: true, webs: 2 },
    run: async (trial, system) => {
      const { cache } = system.servers;
      const [writer] = system.webs;
      await trial.disturb({
        begin: async () => {
          const hits = await writesAreSeen(trial, system, 'with the cache');
          trial.check(hits > 0, 'no page came from the cache');
          await cache.kill();
        },
        last: async () => {
          await writesAreSeen(trial, system, 'without the cache');
          await cache.restart();
          await sleep(2_000);
          const again = await writesAreSeen(trial, system, 'with an empty cache');
          trial.check(again > 0, 'no page came from the cache after it had been emptied');
          system.links(writer!).cache.drop();
          await isStaleForTheTtlAtMost(trial, system);
        },
        heal: () => {
          system.links(writer!).cache.heal();
          return Promise.resolve();
        },
        goesOn: ['accepting', 'working'],
      });
      await sleep(2_000);
      await writesAreSeen(trial, system, 'after the healing');
    },
  },
];

/** Every page that is asked for once a write is answered shows it. @returns how many pages came from the cache */
async function writesAreSeen(trial: Trial, system: System, when: string): Promise<number> {
  const { clients } = system;
  const seen = { pages: 0, hits: 0, stale: 0 };
  let answered = 0;
  let writing = true;
  const reading = Promise.all(
    Array.from({ length: READERS }, async (_, reader) => {
      for (let isLast = false; !isLast;) {
        isLast = !writing;
        const newest = answered;
        const { body, cached } = await read(trial, clients[reader % clients.length]!, when);
        seen.pages += 1;
        if (cached) seen.hits += 1;
        if (newestOn(body) < newest) seen.stale += 1;
      }
    }),
  );
  reading.catch(() => undefined);
  try {
    for (let i = 0; i < WRITES; i += 2) {
      const numbers = [write(system, when), write(system, when)].map(async (one) => {
        answered = Math.max(answered, (await one).number);
      });
      await Promise.all(numbers);
    }
  } finally {
    writing = false;
  }
  await reading;
  const { pages, hits, stale } = seen;
  trial.check(stale === 0, `${when}, ${stale} of ${pages} pages lacked a write that had been answered before`);
  trial.note(`${when}: ${WRITES} writes, ${pages} pages meanwhile, ${hits} of them from the cache`);
  return hits;
}

/** The writer cannot say that the page has changed. */
async function isStaleForTheTtlAtMost(trial: Trial, system: System): Promise<void> {
  const reader = system.clients[1]!;
  await read(trial, reader, 'before the write');
  const { title } = await write(system, 'unheard of');
  const answeredMs = Date.now();
  const first = await read(trial, reader, 'after the write');
  trial.check(
    first.cached && !first.body.includes(title),
    'the first page after a write that nobody heard of was not a stale one from the cache',
  );
  while (!(await read(trial, reader, 'unreachable for the writer')).body.includes(title)) {
    if (Date.now() - answeredMs > (TTL_SECONDS + 1) * 1_000) {
      trial.check(false, `a page was stale for more than ${TTL_SECONDS} s`);
      return;
    }
    await sleep(250);
  }
  trial.note(`unreachable for the writer: seen after ${((Date.now() - answeredMs) / 1_000).toFixed(1)} s`);
}

let written = 0;

/** A screening that comes first on the list. Those of later writes come before it. */
async function write(system: System, when: string): Promise<{ title: string; number: number }> {
  const number = (written += 1);
  const title = `${when} (${number})`;
  await addScreening(system.clients[0]!, title, number);
  return { title, number };
}

/** The number of the write that a list shows first. */
function newestOn(list: string): number {
  return Math.max(0, ...[...list.matchAll(/ \((\d+)\)"/g)].map(([, number]) => Number(number)));
}

async function read(trial: Trial, client: HttpClient, when: string): Promise<{ body: string; cached: boolean }> {
  const { status, body, cache } = await client.get(LIST);
  trial.check(status === 200, `${when}, GET ${LIST} was answered ${status}`);
  return { body, cached: cache === 'hit' };
}
