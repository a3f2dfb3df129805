import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../app/local/servers/free-port';
import { ENVIRONMENT, PATHS } from '../../app/src/contract';

const READY_SECONDS = 60;

export interface WebProcess {
  readonly url: string;
  stop(): Promise<void>;
}

export interface WebProcessOptions {
  readonly databaseUrl: string;
  /** Undefined: no cache. */
  readonly cacheUrl: string | undefined;
  readonly objectsUrl: string;
  readonly adminToken: string;
}

/** The app's web process as it is deployed, but from source. Resolves when it is ready. */
export async function startWebProcess(options: WebProcessOptions, signal: AbortSignal): Promise<WebProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, ['--import', 'tsx', 'app/src/web.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      [ENVIRONMENT.databaseUrl]: options.databaseUrl,
      [ENVIRONMENT.cacheRedisUrl]: options.cacheUrl ?? '',
      [ENVIRONMENT.objectsUrl]: options.objectsUrl,
      [ENVIRONMENT.adminToken]: options.adminToken,
      [ENVIRONMENT.listenHost]: '127.0.0.1',
      [ENVIRONMENT.port]: String(port),
      [ENVIRONMENT.metricsPort]: '0',
      [ENVIRONMENT.drainSeconds]: '1',
    },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(url, child, signal);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { url, stop: () => stop(child) };
}

async function untilReady(url: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const end = performance.now() + READY_SECONDS * 1000;
  while (performance.now() < end) {
    signal.throwIfAborted();
    if (child.exitCode !== null) throw new Error(`the web process ended with ${child.exitCode} while it started`);
    const ready = await fetch(`${url}${PATHS.ready}`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await sleep(100);
  }
  throw new Error(`the web process was not ready within ${READY_SECONDS} s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(impatient);
}
