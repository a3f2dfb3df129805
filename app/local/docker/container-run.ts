import { build } from 'esbuild';
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '../../src/configuration/configuration';
import { ENVIRONMENT, PATHS } from '../../src/contract';
import { keptSecret } from '../folder';
import type { Output } from '../output';
import { seedFilms } from '../seed';
import { seedScreenings } from '../seed-screenings';
import { requireFreePort } from '../servers/free-port';
import { waitUntil } from '../servers/wait-until';
import { addresses } from './addresses';
import type { ComposeCommand } from './find-compose';
import { keepRunning } from './keep-running';
import { askTool, runTool } from './tool';

export interface ContainerRunOptions {
  /** The project's folder. */
  readonly root: string;
  /** Where secrets, logs and what the containers read are kept. */
  readonly folder: string;
  readonly compose: ComposeCommand;
  /** Compose's name of everything that is started; containers are called `<project>-<service>`. */
  readonly project: string;
  readonly port: number;
  /** The app's image; built from the sources when it is `build`. */
  readonly image: { readonly name: string; readonly build: 'build' | 'built' };
  /** Further compose files. @default none */
  readonly files?: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
}

export interface ContainerRun {
  /** Token of the administration routes. */
  readonly adminToken: string;
  /** Starts everything and resolves once the app is ready and seeded; throws one sentence, or when `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Stops nginx, then web, workers and scheduler within the drain budget, then the servers. Containers stay. */
  stop(): Promise<void>;
  /** Removes containers and network, and the volumes if asked to. */
  remove(volumes: 'keep-volumes' | 'drop-volumes'): Promise<void>;
  /** SIGKILL to everything, without waiting. */
  kill(): void;
}

const READY_SECONDS = 60;
/** On top of the drain budget: 5 s for closing connections (process/lifecycle.ts), and 5 s in which nothing happens. */
const GRACE_BEYOND_DRAIN_SECONDS = 10;

export function createContainerRun(options: ContainerRunOptions): ContainerRun {
  const { root, folder, compose, project, port, image, files = [], output } = options;
  mkdirSync(folder, { recursive: true });
  const passwordFile = join(folder, 'postgres-password');
  let newPassword = !existsSync(passwordFile);
  const givenToken = options.environment[ENVIRONMENT.adminToken];
  const adminToken = givenToken ? givenToken : keptSecret(join(folder, 'admin-token'));
  const { drainSeconds } = readConfiguration('scheduler', {
    [ENVIRONMENT.databaseUrl]: 'postgres://unread/unread',
    [ENVIRONMENT.drainSeconds]: options.environment[ENVIRONMENT.drainSeconds],
  });
  const environment = {
    ...options.environment,
    HOLDFAST_IMAGE: image.name,
    HOLDFAST_PROJECT: project,
    HOLDFAST_PORT: String(port),
    HOLDFAST_FILES: folder,
    HOLDFAST_ADMIN_TOKEN: adminToken,
    HOLDFAST_DATABASE_PASSWORD: keptSecret(passwordFile),
    HOLDFAST_DRAIN_SECONDS: String(drainSeconds),
    HOLDFAST_GRACE_SECONDS: String(Math.ceil(drainSeconds) + GRACE_BEYOND_DRAIN_SECONDS),
  };
  const composeFiles = [join(__dirname, 'compose.yaml'), ...files].flatMap((file) => ['--file', file]);
  const place = ['--project-name', project, '--project-directory', __dirname, ...composeFiles];
  const log = output.serverLog('compose');
  const runCompose = (words: readonly string[], signal?: AbortSignal) =>
    runTool({ command: [...compose, ...place], words, environment, log, signal });
  const ask = (...words: readonly string[]) => askTool(['docker'], words, environment);
  let release: (() => Promise<void>) | undefined;

  async function start(signal: AbortSignal): Promise<void> {
    if (newPassword && (await ask('volume', 'inspect', `${project}_postgres`)) !== undefined) {
      throw new Error(
        `The database of an earlier start has another password than ${passwordFile}; drop it by: npm run start:docker -- --fresh`,
      );
    }
    newPassword = false;
    const holder = await ask('ps', '--quiet', '--filter', `name=^/${project}-nginx$`);
    if (!holder) await requireFreePort(port, 'nginx', `choose another with --port ${port + 1}`);
    if (image.build === 'build') await buildImage(signal);
    await provideFiles(root, folder);
    output.say('Starting the containers ...');
    await runCompose(['up', '--detach', '--remove-orphans'], signal);
    release = await keepRunning({ project, environment, say: output.say });
    const baseUrl = `http://127.0.0.1:${port}`;
    await waitUntil('the app answers through nginx', () => isReady(baseUrl, signal), {
      limitSeconds: READY_SECONDS,
      everyMilliseconds: 100,
    });
    await seedScreenings({ baseUrl, adminToken, say: output.say, signal });
    await seedFilms({ baseUrl, say: output.say, signal });
    output.write(addresses({ project, port, madeAdminToken: givenToken ? undefined : adminToken }));
  }

  async function buildImage(signal: AbortSignal): Promise<void> {
    output.say('Building the image; the first time takes minutes ...');
    // By the label those that this one replaces are found.
    const label = 'holdfast.stage=local';
    const words = ['build', '--file', join(root, 'app', 'Dockerfile'), '--tag', image.name, '--label', label, root];
    await runTool({ command: ['docker'], words, environment, log: output.serverLog('build'), signal });
    await ask('image', 'prune', '--force', '--filter', `label=${label}`);
  }

  async function stop(): Promise<void> {
    await release?.();
    release = undefined;
    await runCompose(['stop']);
  }

  return {
    adminToken,
    start,
    stop,
    remove: async (volumes) => {
      await release?.();
      release = undefined;
      await runCompose(['down', '--remove-orphans', ...(volumes === 'drop-volumes' ? ['--volumes'] : [])]);
    },
    kill: () => void runCompose(['kill']).catch(() => undefined),
  };
}

/** What containers read of this project: a copy, because they run as users to whom the project's files may be closed. */
async function provideFiles(root: string, folder: string): Promise<void> {
  const configuration = join(folder, 'nginx.conf');
  copyFileSync(join(__dirname, 'nginx.conf'), configuration);
  const outbox = join(folder, 'outbox.cjs');
  await build({
    entryPoints: [join(root, 'app', 'local', 'outbox', 'main.ts')],
    outfile: outbox,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
  });
  for (const file of [configuration, outbox]) chmodSync(file, 0o644);
}

async function isReady(baseUrl: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  try {
    return (await fetch(`${baseUrl}${PATHS.ready}`, { signal })).ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
