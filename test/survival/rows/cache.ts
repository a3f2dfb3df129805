import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../row';
import { addScreening } from '../system/add-screening';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** After which an entry that nobody invalidated is gone. */
const TTL_SECONDS = 30;
const WRITES = 20;
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

/** Each write, once it is answered, is on the page that is read next. @returns how many pages came from the cache */
async function writesAreSeen(trial: Trial, system: System, when: string): Promise<number> {
  let stale = 0;
  let hits = 0;
  for (let i = 0; i < WRITES; i += 1) {
    const title = await write(system, `${when} ${i}`);
    const first = await read(trial, system, when);
    if (!first.body.includes(title)) stale += 1;
    if ((await read(trial, system, when)).cached) hits += 1;
  }
  trial.check(stale === 0, `${when}, ${stale} of ${WRITES} pages were stale after the write had been answered`);
  trial.note(`${when}: ${WRITES} writes seen at once, ${hits} pages from the cache`);
  return hits;
}

/** The writer cannot say that the page has changed. */
async function isStaleForTheTtlAtMost(trial: Trial, system: System): Promise<void> {
  await read(trial, system, 'before the write');
  const title = await write(system, 'unheard of');
  const answeredMs = Date.now();
  const first = await read(trial, system, 'after the write');
  trial.check(
    first.cached && !first.body.includes(title),
    'the first page after a write that nobody heard of was not a stale one from the cache',
  );
  while (!(await read(trial, system, 'unreachable for the writer')).body.includes(title)) {
    if (Date.now() - answeredMs > (TTL_SECONDS + 1) * 1_000) {
      trial.check(false, `a page was stale for more than ${TTL_SECONDS} s`);
      return;
    }
    await sleep(250);
  }
  trial.note(`unreachable for the writer: seen after ${((Date.now() - answeredMs) / 1_000).toFixed(1)} s`);
}

let written = 0;

/** A screening that comes first on the list. @returns its title */
async function write(system: System, title: string): Promise<string> {
  written += 1;
  const unique = `${title} (${written})`;
  await addScreening(system.clients[0]!, unique, written);
  return unique;
}

async function read(trial: Trial, system: System, when: string): Promise<{ body: string; cached: boolean }> {
  const { status, body, cache } = await system.clients[1]!.get(LIST);
  trial.check(status === 200, `${when}, GET ${LIST} was answered ${status}`);
  return { body, cached: cache === 'hit' };
}
