import { setTimeout as pause } from 'node:timers/promises';
import { signal as send } from '../servers/process-table';
import { type Log, spawnServer } from '../servers/spawn-server';
import { askTool } from './tool';

export interface KeepRunningOptions {
  /** Compose's name of the project. */
  readonly project: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: Log;
}

/** In which the engine itself has begun to start a container again, if it is going to. */
const ENGINE_MILLISECONDS = 1000;

/**
 * Starts the project's containers again when they were ended by `docker kill` or `docker stop`: the engine takes these
 * for a wish and applies no restart policy (https://docs.docker.com/engine/containers/start-containers-automatically/).
 * Those that die by themselves are the engine's.
 * @returns what ends it; resolves when nothing is started any more
 */
export async function keepRunning({ project, environment, say }: KeepRunningOptions): Promise<() => Promise<void>> {
  const state = '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}';
  const restarts = new Set<Promise<void>>();
  let wanted = true;
  const restart = async (name: string) => {
    await pause(ENGINE_MILLISECONDS);
    const found = await askTool(['docker'], ['inspect', '--format', state, name], environment);
    if (!wanted || found !== 'exited unless-stopped') return;
    say(`${name} was ended; it is started again.`);
    await askTool(['docker'], ['start', name], environment);
  };
  const filters = ['type=container', 'event=die', `label=com.docker.compose.project=${project}`];
  const events = await spawnServer({
    program: 'docker',
    arguments: [
      'events',
      ...filters.flatMap((filter) => ['--filter', filter]),
      '--format',
      '{{.Actor.Attributes.name}}',
    ],
    environment,
    log: (name) => {
      const restarting = restart(name).finally(() => restarts.delete(restarting));
      restarts.add(restarting);
    },
  });
  return async () => {
    wanted = false;
    send(events.pid, 'SIGTERM');
    await events.ended;
    await Promise.all(restarts);
  };
}
