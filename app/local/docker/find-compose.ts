import { askTool } from './tool';

/** How Compose is called here. */
export type ComposeCommand = readonly ['docker', 'compose'] | readonly ['docker-compose'];

/** The first release that knows `service_completed_successfully`. */
const OLDEST = [1, 29] as const;

/**
 * `docker compose` where the plugin is installed, else `docker-compose` from 1.29 on.
 * Throws one sentence when there is no engine, or neither.
 */
export async function findCompose(environment: NodeJS.ProcessEnv): Promise<ComposeCommand> {
  if ((await askTool(['docker'], ['version', '--format', '{{.Server.Version}}'], environment)) === undefined)
    throw new Error('No container engine answers; install and start Docker, or use npm start, which needs none.');
  if ((await askTool(['docker', 'compose'], ['version'], environment)) !== undefined) return ['docker', 'compose'];
  const version = await askTool(['docker-compose'], ['version', '--short'], environment);
  if (version === undefined)
    throw new Error('Docker has no Compose here; install the plugin docker-compose-plugin, or docker-compose 1.29.');
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(version)?.[0] ?? '').split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return ['docker-compose'];
  throw new Error(`docker-compose is ${version}; needed is ${OLDEST.join('.')} or later, or the plugin of Docker.`);
}
