import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findRedis } from '../../app/local/servers/redis-program';
import { openTestRun } from '../../app/test/servers/open-test-run';
import { startPrivatePostgres, startPrivateRedis } from '../../app/test/servers/private-servers';
import { TEST_RUN } from '../../app/test/servers/test-run';
import { provenanceOn } from '../../test/survival/provenance';
import { UsageError } from '../arguments';
import { createProgress } from '../progress';
import { HELP, parseArguments } from './arguments';
import type { Options } from './arguments';
import { FAULTS } from './faults';
import type { Fault } from './faults';
import { held, json, markdown, table } from './report';
import type { Report } from './report';
import type { System } from './system';
import { bullmq, celery, holdfast } from './systems';
import { perform } from './trial';

/** Of PostgreSQL: a refused connection would look like a fault of whoever asked for it. */
const CONNECTIONS = 500;
const EVIDENCE = join(__dirname, '../../docs/evidence');

/** Every trial of every fault, `rounds` times, `atOnce` at a time. */
async function performAll(
  faults: readonly Fault[],
  systems: readonly System[],
  { rounds, atOnce }: Pick<Options, 'rounds' | 'atOnce'>,
  say: (text: string) => void,
): Promise<Pick<Report, 'outcomes' | 'leftOut'>> {
  const outcomes: Report['outcomes'][number][] = [];
  const leftOut: string[] = [];
  const waiting = Array.from({ length: rounds }, (_, i) => i + 1).flatMap((round) =>
    faults.flatMap((fault) => systems.map((system) => ({ round, fault, system }))),
  );
  const total = waiting.length;
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { round, fault, system } = next;
      say(`${total - waiting.length}/${total}: ${system.name}: ${fault.title}`);
      try {
        outcomes.push({ round, ...(await perform(fault, system)) });
      } catch (error) {
        leftOut.push(`${fault.id} of ${system.name} was not measured in round ${round}: ${sentence(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { outcomes, leftOut };
}

async function main(): Promise<number> {
  const options = parseArguments(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  const { only, rounds, atOnce } = options;
  const run = openTestRun();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The reaper ends what this run has started.
    process.once(signal, () => process.exit(130));
  }
  const progress = createProgress(process.stderr);
  if ((await findRedis({ log: (text) => progress.say(text) })).kind === 'container') {
    throw new Error('a Redis or Valkey on the PATH is needed; one in a container cannot keep its files over a kill');
  }
  const systems: System[] = [holdfast, bullmq];
  const without: string[] = [];
  try {
    progress.say('installing Celery, where it is not there');
    systems.push(celery());
  } catch (error) {
    without.push(`Celery was left out: ${sentence(error)}`);
  }
  progress.say('starting PostgreSQL');
  const postgres = await startPrivatePostgres({ settings: { max_connections: CONNECTIONS } });
  process.env[TEST_RUN.databaseUrl] = postgres.url;
  const redis = await startPrivateRedis();
  const made = await provenanceOn({ postgresUrl: postgres.url, redisUrl: redis.url }, ['bullmq']);
  const { versions } = made.environment;
  // The settings differ by fault, and stand beside each.
  const environment = {
    ...made.environment,
    versions: { ...versions, Redis: versions['Redis']?.split(' ')[0] ?? 'unknown' },
  };
  await redis.stop();

  const faults = FAULTS.filter(({ id }) => only.length === 0 || only.includes(id));
  const { outcomes, leftOut } = await performAll(faults, systems, options, (text) => progress.say(text));
  progress.clear();
  await postgres.stop();
  await run.reaper.finish();
  const notRun = FAULTS.filter((fault) => !faults.includes(fault)).map(({ id }) => id);
  if (notRun.length > 0) without.push(`Not run this time: ${notRun.join(', ')}.`);
  const report: Report = {
    ...{ provenance: { ...made, environment }, rounds, atOnce, systems, faults, outcomes },
    leftOut: [...without, ...leftOut],
  };
  if (options.write) {
    mkdirSync(EVIDENCE, { recursive: true });
    const command = ['npm run bench:peers --', `--at-once ${atOnce}`, `--rounds ${rounds}`, ...only].join(' ');
    writeFileSync(join(EVIDENCE, 'peers.md'), markdown(report, command));
    writeFileSync(join(EVIDENCE, 'peers.json'), `${json(report)}\n`);
  }
  console.log(options.json ? json(report) : table(report));
  return leftOut.length === 0 && held(report) ? 0 : 1;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`bench:peers: ${sentence(error)}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
