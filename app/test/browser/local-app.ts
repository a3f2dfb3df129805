import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../local/servers/free-port';
import { waitUntil } from '../../local/servers/wait-until';
import { testFolder } from '../servers/private-servers';

export interface LocalApp {
  readonly url: string;
  readonly timeZone: string;
  readonly adminToken: string;
  stop(): Promise<void>;
}

/** What `npm start` runs, in a folder and on ports of its own, seeded. */
export async function startLocalApp(): Promise<LocalApp> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const adminToken = 'a-token-for-the-browser';
  const timeZone = zoneAroundNoon();
  const child = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', join(__dirname, '..', 'local', 'launcher-process.ts'), join(testFolder('browser'), 'run')],
      ...['--port', String(port), '--metrics-port', String(metricsPort)],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ADMIN_TOKEN: adminToken, TIME_ZONE: timeZone } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exit = once(child, 'exit');
  await waitUntil(
    'the app is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
      return output.includes('Press Ctrl-C to stop');
    },
    { limitSeconds: 120 },
  );
  return {
    url: `http://localhost:${port}`,
    adminToken,
    timeZone,
    stop: async () => {
      child.kill('SIGINT');
      await exit;
    },
  };
}

/** Where it is about noon now: reminders of today are due, and today lasts for hours. */
function zoneAroundNoon(): string {
  const ahead = 12 - new Date().getUTCHours();
  // The names of these zones count the other way round.
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}
