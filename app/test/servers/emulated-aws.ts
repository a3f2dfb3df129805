import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../local/servers/free-port';
import { signal } from '../../local/servers/process-table';
import { spawnServer } from '../../local/servers/spawn-server';
import { settlesWithin, waitUntil } from '../../local/servers/wait-until';
import { testFolder } from './private-servers';

const PROGRAM = join(__dirname, '..', '..', '..', '.holdfast-tools', 'venv', 'bin', 'ministack');
const START_SECONDS = 60;

/** Why tests on the emulated AWS cannot run, or undefined when they can. */
export const emulatedAwsMissing = existsSync(PROGRAM)
  ? undefined
  : 'ministack is not installed: run scripts/python-tools.sh';

export interface EmulatedAws {
  /** What the AWS SDK reads from the environment to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * ministack in a process of its own: S3 and what else needs no container engine.
 * @param additions variables of its process.
 */
export async function startEmulatedAws(additions: Readonly<Record<string, string>> = {}): Promise<EmulatedAws> {
  const port = await freePort();
  const folder = testFolder('aws');
  const server = await spawnServer({
    program: PROGRAM,
    arguments: [],
    folder,
    environment: { ...process.env, BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), TMPDIR: folder, ...additions },
    log: () => undefined,
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await waitUntil(
    'the emulated AWS answers',
    () => {
      if (server.ending() !== undefined) throw new Error(`ministack ended: ${server.lastLines().join(' | ')}`);
      return fetch(endpoint).then(
        () => true,
        () => false,
      );
    },
    { limitSeconds: START_SECONDS },
  );
  return {
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
    },
    stop: async () => {
      signal(server.pid, 'SIGTERM');
      if (!(await settlesWithin(server.ended, 10))) signal(-server.pid, 'SIGKILL');
      await server.ended;
    },
  };
}
