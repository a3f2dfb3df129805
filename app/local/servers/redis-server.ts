import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { requireFreePort } from './free-port';
import { isAlive, signal } from './process-table';
import { containerArguments, findRedis, type RedisProgram } from './redis-program';
import { type Log, type SpawnedServer, spawnServer } from './spawn-server';
import { settlesWithin, waitUntil } from './wait-until';

export interface RedisOptions {
  /** Working folder; made when it is missing. */
  readonly directory: string;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** `noeviction` for the queue, `allkeys-lru` for the cache. */
  readonly policy: 'noeviction' | 'allkeys-lru';
  readonly maxMemoryMegabytes: number;
  readonly log: Log;
  /** What the port is for, for the message when it is taken. @default 'Redis' */
  readonly purpose?: string;
  /** How to choose another port, for the same message. @default 'choose another' */
  readonly portRemedy?: string;
  /** More settings as in redis.conf, such as `{ databases: 64 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** @default the first that findRedis() finds */
  readonly program?: RedisProgram;
  /** Called when the server ends without having been asked to, with how: "signal SIGKILL". */
  readonly onDeath?: (ending: string) => void;
  /** Called at every start, before the server answers, with the pid and the container that it holds, if any. */
  readonly onSpawn?: (pid: number, container?: Container) => void;
}

export interface Container {
  /** Path of docker. */
  readonly engine: string;
  readonly name: string;
}

export interface RedisServer {
  /** redis://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  /** Of the server, or of the container engine's client that holds it; another one after a restart. */
  readonly pid: number;
  /** Name of the container it runs in; undefined when it is a process of this machine. */
  readonly container: string | undefined;
  /** Resolves when the process is gone; its data goes with it. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port after `stop` or `kill`; a running one is stopped first. */
  restart(): Promise<void>;
}

const run = promisify(execFile);
const START_SECONDS = 20;
/** Pulling the image is part of a container's first start. */
const CONTAINER_START_SECONDS = 180;
const STOP_SECONDS = 10;

/**
 * Starts Redis (or Valkey) on 127.0.0.1 and resolves once it answers. Nothing is written to disk: what the queue holds
 * can be rebuilt from Postgres, what the cache holds from anything. Throws one sentence when it cannot.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const program = options.program ?? (await findRedis({ log: options.log }));
  const container =
    program.kind === 'container' ? { engine: program.engine, name: containerName(options.directory) } : undefined;
  mkdirSync(options.directory, { recursive: true });
  if (container !== undefined) await removeContainer(container);
  await requireFreePort(options.port, options.purpose ?? 'Redis', options.portRemedy ?? 'choose another');

  let server = await launch(options, program, container);
  let wanted = true;
  const watch = (watched: SpawnedServer) =>
    void watched.ended.then((ending) => {
      if (wanted && server === watched) options.onDeath?.(ending);
    });
  watch(server);

  const stop = async () => {
    wanted = false;
    if (server.ending() !== undefined) return;
    signal(server.pid, 'SIGTERM');
    signal(server.pid, 'SIGCONT');
    if (!(await settlesWithin(server.ended, STOP_SECONDS))) await kill();
  };
  const kill = async () => {
    wanted = false;
    const { pid } = server;
    if (container !== undefined) await removeContainer(container);
    signal(pid, 'SIGKILL');
    await waitUntil('the killed Redis is gone', () => !isAlive(pid), { limitSeconds: 10 });
    await server.ended;
  };
  return {
    url: `redis://127.0.0.1:${options.port}`,
    port: options.port,
    get pid() {
      return server.pid;
    },
    container: container?.name,
    stop,
    kill,
    restart: async () => {
      await stop();
      server = await launch(options, program, container);
      wanted = true;
      watch(server);
    },
  };
}

async function launch(options: RedisOptions, program: RedisProgram, container?: Container): Promise<SpawnedServer> {
  const settings: Record<string, string | number> = {
    maxmemory: `${options.maxMemoryMegabytes}mb`,
    'maxmemory-policy': options.policy,
    appendonly: 'no',
    save: '',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = await spawnServer({ ...commandFor(options, program, flags), log: options.log });
  options.onSpawn?.(server.pid, container);
  await waitUntil(
    `Redis answers on port ${options.port}`,
    () => {
      const ending = server.ending();
      if (ending !== undefined) {
        throw new Error(`Redis did not start on port ${options.port} (${ending}): ${server.lastLines().join(' | ')}`);
      }
      return answers(options.port);
    },
    { limitSeconds: container === undefined ? START_SECONDS : CONTAINER_START_SECONDS },
  ).catch((error: unknown) => {
    signal(server.pid, 'SIGKILL');
    throw error;
  });
  return server;
}

/** PING as an inline command: https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands */
async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
    socket.once('close', () => settle(false));
  });
}

function commandFor({ directory, port }: RedisOptions, program: RedisProgram, flags: readonly string[]) {
  return program.kind === 'container'
    ? { program: program.engine, arguments: containerArguments(containerName(directory), port, flags) }
    : {
        program: program.path,
        arguments: ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...flags],
      };
}

/** The same folder gives the same name, so that a container left by a killed launcher is found again. */
function containerName(directory: string): string {
  return `holdfast-local-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}

/** Ends and removes a container; one that does not exist is no error. */
export async function removeContainer({ engine, name }: Container): Promise<void> {
  await run(engine, ['rm', '--force', '--volumes', name]).catch(() => undefined);
}
