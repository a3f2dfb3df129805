import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchContext, Benchmark } from '../benchmark';
import { readEnvironment } from '../environment';
import type { Comparison, Report } from '../report';
import { quantile, summarise } from '../statistics';
import { CONNECTIONS, load } from './load';
import type { Load } from './load';
import { plan, SCREENINGS } from './programme';
import { startWebProcess } from './web-process';
import { Writer } from './writer';

const ADMIN_TOKEN = 'a-token-for-benchmarks';
const WARM_UP_SECONDS = 3;
const SECONDS = 10;
/** Staff who write as fast as this never were; readers must not see that they do. */
const WRITE_EVERY_MS = 200;

const PAGES = [
  { path: '/', rate: 'page', latency: 'page-p99', title: 'GET /' },
  { path: '/api/screenings', rate: 'json', latency: 'json-p99', title: 'GET /api/screenings' },
] as const;

interface Round {
  readonly cached: Load;
  readonly computed: Load;
}

/** The list of screenings with its cache beside the same without, while somebody changes it. */
export const cacheBenchmark: Benchmark = {
  name: 'cache',
  summary: 'the list page with and without the cache, while a writer changes it',
  figures: PAGES.flatMap(({ rate, latency }) => [rate, latency]),
  run: async (context) => {
    const { servers, options } = context;
    const environment = await readEnvironment(servers, ['fastify', 'preact', 'autocannon']);
    await plan(servers.postgresUrl);
    const pages = PAGES.filter(
      ({ rate, latency }) => options.only.length === 0 || options.only.some((id) => id === rate || id === latency),
    );
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-objects-'));
    try {
      const rounds = new Map<(typeof PAGES)[number], Round[]>(pages.map((page) => [page, []]));
      for (let round = 1; round <= options.rounds; round += 1) {
        for (const [page, values] of rounds) {
          const one = await measureBoth(page.path, round, folder, context);
          values.push(one);
        }
      }
      return report(rounds, context, environment);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Who comes first alternates, so that a drift of the machine does not favour one of them. */
async function measureBoth(path: string, round: number, folder: string, context: BenchContext): Promise<Round> {
  const measure = async (withCache: boolean): Promise<Load> => {
    context.progress.say(
      `round ${round}/${context.options.rounds}: ${path}: ${withCache ? 'with' : 'without'} the cache`,
    );
    return await measureOne(path, withCache, folder, context);
  };
  if (round % 2 === 1) {
    const cached = await measure(true);
    return { cached, computed: await measure(false) };
  }
  const computed = await measure(false);
  return { cached: await measure(true), computed };
}

async function measureOne(path: string, withCache: boolean, folder: string, context: BenchContext): Promise<Load> {
  const { servers, signal } = context;
  const web = await startWebProcess(
    {
      databaseUrl: servers.postgresUrl,
      cacheUrl: withCache ? servers.redisUrl : undefined,
      objectsUrl: pathToFileURL(folder).href,
      adminToken: ADMIN_TOKEN,
    },
    signal,
  );
  const writer = new Writer(web.url, ADMIN_TOKEN, WRITE_EVERY_MS);
  try {
    writer.start();
    await load(web.url, path, WARM_UP_SECONDS, writer, signal);
    return await load(web.url, path, SECONDS, writer, signal);
  } finally {
    await writer.stop();
    await web.stop();
  }
}

function report(
  rounds: ReadonlyMap<(typeof PAGES)[number], readonly Round[]>,
  { options }: BenchContext,
  environment: Report['environment'],
): Report {
  const answers = [...rounds.values()]
    .flat()
    .reduce((sum, { cached, computed }) => sum + cached.answers + computed.answers, 0);
  return {
    benchmark: 'cache',
    subject: 'with cache',
    peer: 'without',
    environment,
    settings: {
      rounds: `${options.rounds} interleaved, each of ${SECONDS} s after ${WARM_UP_SECONDS} s to warm up`,
      load: `${CONNECTIONS} connections to one web process; ${SCREENINGS} screenings planned`,
      writer: `changes the first screening every ${WRITE_EVERY_MS} ms`,
      stale: `none of ${answers.toLocaleString('en-US')} answers was older than the last change answered before`,
    },
    comparisons: [...rounds].flatMap(([page, values]) => [
      compare(page.rate, page.title, 'requests/s', values, (one) => one.requestsPerSecond),
      compare(page.latency, `${page.title} p99`, 'ms', values, (one) => one.p99),
    ]),
    notes: ['Over 1 is better for requests a second and worse for times.'],
  };
}

function compare(
  id: string,
  title: string,
  unit: Comparison['unit'],
  rounds: readonly Round[],
  of: (one: Load) => number,
): Comparison {
  const [cached, computed] = [rounds.map((round) => of(round.cached)), rounds.map((round) => of(round.computed))];
  return {
    id,
    title,
    unit,
    subject: summarise(cached),
    peer: summarise(computed),
    ratio: quantile(
      cached.map((value, i) => value / (computed[i] ?? Number.NaN)),
      0.5,
    ),
  };
}
