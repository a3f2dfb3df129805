import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../local/servers/free-port';
import { findPostgres } from '../../local/servers/postgres-binaries';
import { type PostgresServer, startPostgres } from '../../local/servers/postgres-server';
import { isAlive } from '../../local/servers/process-table';
import { waitUntil } from '../../local/servers/wait-until';
import { startPrivatePostgres, testFolder } from '../servers/private-servers';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  const dataDirectory = join(testFolder('postgres'), 'data');
  let server: PostgresServer;
  let port: number;
  const start = (more: object = {}) => startPrivatePostgres({ dataDirectory, port, database: 'films', ...more });

  beforeAll(async () => {
    port = await freePort();
    server = await start();
    await query(server.url, 'CREATE TABLE film (title text)');
    await query(server.url, `INSERT INTO film VALUES ('Métropolis')`);
  });
  afterAll(() => server.stop());

  const titles = () => query(server.url, 'SELECT title, lower(title) AS lower FROM film');
  const film = [{ title: 'Métropolis', lower: 'métropolis' }];

  it('answers on loopback only, with fsync on and room for 200 connections', async () => {
    const [settings] = await query(
      server.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('max_connections') AS connections,
              current_setting('listen_addresses') AS addresses, current_database() AS database`,
    );
    expect(settings).toEqual({ fsync: 'on', connections: '200', addresses: '127.0.0.1', database: 'films' });
    expect(await titles()).toEqual(film);
  });

  it('keeps what was committed through a stop and a restart', async () => {
    const { pid } = server;
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await titles()).toEqual(film);
  });

  it('keeps what was committed through SIGKILL', async () => {
    const { pid } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(await titles()).toEqual(film);
  });

  it('tells when it dies without having been asked to', async () => {
    await server.stop();
    let ending: string | undefined;
    server = await start({ onDeath: (how: string) => (ending = how) });
    process.kill(server.pid, 'SIGINT');
    expect(await waitUntil('the death is told', () => ending, { limitSeconds: 20 })).toBe('exit code 0');
  });

  it('ends a server that an earlier run left on the folder, and starts', async () => {
    await server.restart();
    const left = server.pid;
    const lines: string[] = [];
    server = await start({ log: (line: string) => lines.push(line) });
    expect(isAlive(left)).toBe(false);
    expect(lines.join('\n')).toContain(`Ending the PostgreSQL (process ${left}) that an earlier run left behind.`);
    expect(await titles()).toEqual(film);
  });

  it('starts although postmaster.pid names a process that is not PostgreSQL, and leaves that process alone', async () => {
    const pidFile = join(dataDirectory, 'postmaster.pid');
    const text = readFileSync(pidFile, 'utf8');
    await server.kill();
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      await once(bystander, 'spawn');
      writeFileSync(pidFile, text.replace(/^\d+/, String(bystander.pid)));
      server = await start();
      expect(await titles()).toEqual(film);
      expect(isAlive(bystander.pid!)).toBe(true);
    } finally {
      bystander.kill('SIGKILL');
    }
  });

  it('names the holder of a taken port', async () => {
    const holder = await listen();
    try {
      const taken = (holder.address() as { port: number }).port;
      await expect(startPrivatePostgres({ port: taken, portRemedy: 'choose another with --fresh' })).rejects.toThrow(
        `Port ${taken}, meant for PostgreSQL, is taken by node (process ${process.pid}); end it or choose another with --fresh.`,
      );
    } finally {
      holder.close();
    }
  });
});

it('runs below a folder that is closed to others, as a clone in the home folder of root is', async () => {
  const closed = testFolder('closed');
  chmodSync(closed, 0o700);
  const programs = join(closed, 'programs');
  cpSync(dirname(dirname(findPostgres().postgres)), programs, { recursive: true, verbatimSymlinks: true });
  const server = await startPrivatePostgres({
    dataDirectory: join(closed, 'data'),
    binDirectory: join(programs, 'bin'),
  });
  try {
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  } finally {
    await server.stop();
  }
  expect(isAlive(server.pid)).toBe(false);
});

describe('startPostgres refuses', () => {
  const log = () => undefined;

  it('data of another major version', async () => {
    const dataDirectory = testFolder('postgres');
    writeFileSync(join(dataDirectory, 'PG_VERSION'), '11\n');
    await expect(startPostgres({ dataDirectory, port: 1, log })).rejects.toThrow(
      /was written by PostgreSQL 11 and \d+ cannot read it; take another folder, or drop the data with --fresh\./,
    );
  });

  it('a folder with other files', async () => {
    const dataDirectory = testFolder('postgres');
    writeFileSync(join(dataDirectory, 'notes.txt'), '');
    await expect(startPostgres({ dataDirectory, port: 1, log })).rejects.toThrow("files that are not PostgreSQL's");
  });

  it('a folder of programs without PostgreSQL', async () => {
    const binDirectory = testFolder('bin');
    await expect(startPostgres({ dataDirectory: testFolder('postgres'), port: 1, log, binDirectory })).rejects.toThrow(
      `${binDirectory} has no initdb; name the folder that holds both.`,
    );
  });
});

async function listen(): Promise<Server> {
  const server = createServer();
  server.listen({ port: await freePort(), host: '127.0.0.1' });
  await once(server, 'listening');
  return server;
}
