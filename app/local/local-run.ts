import { rmSync, writeFileSync } from 'node:fs';
import { appEnvironment, LOCAL_DRAIN_SECONDS } from './app-environment';
import { type AppProcess, runToEnd, startAppProcess } from './app-process';
import { dropData, type Folder, keptSecret } from './folder';
import { openProcessList, type ProcessList } from './leftovers';
import { type LocalServers, startServers } from './local-servers';
import type { LocalOptions } from './options';
import type { Output } from './output';
import { seedFilms } from './seed';
import { seedScreenings } from './seed-screenings';
import { requireFreePort } from './servers/free-port';
import { waitUntil } from './servers/wait-until';
import { summary } from './summary';
import { ENVIRONMENT, PATHS } from '../src/contract';

export interface LocalRunOptions {
  readonly options: LocalOptions;
  readonly root: string;
  readonly folder: Folder;
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
}

export interface LocalRun {
  /** Starts everything in order and resolves once the app is ready and seeded; throws one sentence, or when `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Drains and stops, in this order: web and workers, scheduler, what stands in for the world outside, Redis, PostgreSQL. Also after half a start. */
  stop(): Promise<void>;
  /** SIGKILL to everything. */
  kill(): void;
}

const READY_SECONDS = 60;
/** A process that dies this often before the app was ever ready will not come up by itself. */
const HOPELESS_DEATHS = 3;
/** On top of the drain budget, for closing connections. */
const STOP_SECONDS = LOCAL_DRAIN_SECONDS + 10;

export function createLocalRun({ options, root, folder, output, environment }: LocalRunOptions): LocalRun {
  let processes: ProcessList | undefined;
  let servers: LocalServers | undefined;
  const serving: AppProcess[] = [];
  let scheduler: AppProcess | undefined;
  let catcher: AppProcess | undefined;
  let feeds: AppProcess | undefined;

  async function start(signal: AbortSignal): Promise<void> {
    processes = await openProcessList(folder.processes, output.say);
    signal.throwIfAborted();
    await requireFreePort(options.port, 'the app', `choose another with --port ${options.port + 1}`);
    await requireFreePort(
      options.metricsPort,
      'the metrics',
      `choose another with --metrics-port ${options.metricsPort + 1}`,
    );
    if (options.fresh) dropData(folder);

    output.say('Starting PostgreSQL and Redis ...');
    servers = await startServers(folder, output, processes);
    signal.throwIfAborted();

    const givenToken = environment[ENVIRONMENT.adminToken];
    const adminToken = givenToken ? givenToken : keptSecret(folder.adminToken);
    const addresses = { ...servers, ...options, adminToken, objects: folder.objects };
    const processOf = (name: string, file: string) => ({
      name,
      entry: `app/src/${file}.ts`,
      root,
      environment: appEnvironment(environment, addresses, file === 'web' ? 'web' : 'other'),
      output,
      processes: list,
    });
    const list = processes;
    await runToEnd(processOf('migrate', 'migrate'));
    signal.throwIfAborted();

    catcher = await startAppProcess({
      ...processOf('outbox', 'outbox'),
      entry: 'app/local/outbox/main.ts',
      words: [String(servers.smtpPort), String(servers.outboxPort), folder.outbox],
    });
    feeds = await startAppProcess({
      ...processOf('feeds', 'feeds'),
      entry: 'app/local/news/main.ts',
      words: [String(servers.feedsPort)],
    });
    serving.push(await startAppProcess(processOf('web', 'web')));
    for (let number = 1; number <= options.workers; number += 1) {
      serving.push(await startAppProcess(processOf(`worker-${number}`, 'worker')));
    }
    scheduler = await startAppProcess(processOf('scheduler', 'scheduler'));
    const baseUrl = `http://127.0.0.1:${options.port}`;
    await waitUntil('the app is ready', () => isReady(baseUrl, serving, signal), {
      limitSeconds: READY_SECONDS,
      everyMilliseconds: 100,
    });
    output.quiet('off');
    writeFileSync(folder.address, `${baseUrl}\n`);

    await seedScreenings({ baseUrl, adminToken, say: output.say, signal });
    await seedFilms({ baseUrl, say: output.say, signal });
    const { port, metricsPort } = options;
    const madeAdminToken = givenToken ? undefined : adminToken;
    output.write(summary({ port, metricsPort, postgresPort: servers.postgresPort, madeAdminToken }));
  }

  async function stop(): Promise<void> {
    output.quiet('on');
    rmSync(folder.address, { force: true });
    await Promise.all(serving.map((each) => each.stop(STOP_SECONDS)));
    await scheduler?.stop(STOP_SECONDS);
    await catcher?.stop(STOP_SECONDS);
    await feeds?.stop(STOP_SECONDS);
    await servers?.stop();
    processes?.close();
  }

  return { start, stop, kill: () => processes?.killAll() };
}

async function isReady(baseUrl: string, processes: readonly AppProcess[], signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  const hopeless = processes.find((each) => each.deathsInARow() >= HOPELESS_DEATHS);
  if (hopeless)
    throw new Error(`${hopeless.name} died ${HOPELESS_DEATHS} times while it started; its lines above say why.`);
  try {
    return (await fetch(`${baseUrl}${PATHS.ready}`, { signal })).ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
