import { createRestarter } from './restarter';
import type { ProcessList } from './leftovers';
import type { Output } from './output';
import { signal } from './servers/process-table';
import { type SpawnedServer, spawnServer } from './servers/spawn-server';
import { settlesWithin } from './servers/wait-until';

export interface AppProcess {
  readonly name: string;
  /** How often it has died without a minute of running in between. */
  deathsInARow(): number;
  /**
   * SIGTERM, and SIGKILL to what has not drained after `limitSeconds`. Resolves when the process is gone.
   */
  stop(limitSeconds: number): Promise<void>;
}

export interface AppProcessOptions {
  /** As shown before its log lines. */
  readonly name: string;
  /** Path of the entry point, such as app/src/web.ts, from `root`. */
  readonly entry: string;
  /** What stands behind the entry point. @default none */
  readonly words?: readonly string[];
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly output: Output;
  readonly processes: ProcessList;
}

async function spawnEntry({
  name,
  entry,
  words = [],
  root,
  environment,
  output,
  processes,
}: AppProcessOptions): Promise<SpawnedServer> {
  const child = await spawnServer({
    program: process.execPath,
    arguments: ['--import', 'tsx', entry, ...words],
    folder: root,
    environment,
    log: output.processLog(name),
  });
  processes.add({ name, pid: child.pid, stopSignal: 'SIGTERM', role: 'app' });
  return child;
}

/** Runs an entry point to its end; throws one sentence when it fails. */
export async function runToEnd(options: AppProcessOptions): Promise<void> {
  const child = await spawnEntry(options);
  const ending = await child.ended;
  if (ending !== 'exit code 0') {
    throw new Error(`${options.name} (${options.entry}) failed with ${ending}; its lines above say why.`);
  }
}

/** Starts a long-lived entry point as a process of its own, which is started again when it dies. */
export async function startAppProcess(options: AppProcessOptions): Promise<AppProcess> {
  const start = async () => {
    const child = await spawnEntry(options);
    current = child;
    void child.ended.then((ending) => restarter.died(ending));
  };
  const restarter = createRestarter({ name: options.name, say: options.output.say, start });
  let current: SpawnedServer | undefined;
  await start();
  return {
    name: options.name,
    deathsInARow: () => restarter.deathsInARow(),
    stop: async (limitSeconds) => {
      await restarter.cancel();
      if (current?.ending() !== undefined || !current) return;
      signal(current.pid, 'SIGTERM');
      signal(current.pid, 'SIGCONT');
      if (!(await settlesWithin(current.ended, limitSeconds))) {
        options.output.say(`${options.name} did not end within ${limitSeconds} s and is killed.`);
        signal(-current.pid, 'SIGKILL');
        await current.ended;
      }
    },
  };
}
