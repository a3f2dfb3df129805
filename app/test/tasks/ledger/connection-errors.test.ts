import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { Client, Pool } from 'pg';
import { isConnectionError } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';

const told = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error as Error,
  );

describe('a connection error', () => {
  let fixture: LedgerFixture;
  let silent: Server;
  let silentUrl: string;
  beforeAll(async () => {
    fixture = await ledgerFixture();
    silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    silentUrl = `postgres://somebody@127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
  });
  afterAll(async () => {
    silent.close();
    await fixture.drop();
  });

  async function connected(): Promise<Client> {
    const client = new Client({ connectionString: fixture.url, query_timeout: 200 });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  it('is a server that takes a connection and is silent', async () => {
    const client = new Client({ connectionString: silentUrl, connectionTimeoutMillis: 100 });
    client.on('error', () => undefined);
    expect(isConnectionError(await told(client.connect()))).toBe(true);
  });

  it('is a pool without a connection in time', async () => {
    const pool = new Pool({ connectionString: silentUrl, connectionTimeoutMillis: 100, max: 1 });
    const both = await Promise.all([told(pool.query('select 1')), told(pool.query('select 1'))]);
    expect(both.map(isConnectionError)).toEqual([true, true]);
    expect(new Set(both.map(({ message }) => message)).size).toBe(2);
    await pool.end();
  });

  it('is an answer that does not come in time', async () => {
    const client = await connected();
    expect(isConnectionError(await told(client.query('select pg_sleep(2)')))).toBe(true);
    await client.end();
  });

  it('is a connection that breaks, and what is asked on it afterwards', async () => {
    const client = await connected();
    const running = told(client.query('select pg_sleep(2)'));
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    expect(isConnectionError(await running)).toBe(true);
    expect(isConnectionError(await told(client.query('select 1')))).toBe(true);
  });

  it('is a connection that was closed', async () => {
    const client = await connected();
    await client.end();
    expect(isConnectionError(await told(client.query('select 1')))).toBe(true);
  });

  it.each([
    'Upload timeout expired',
    'timeout expired for this coupon',
    'the connection terminated early at gate 4',
    'Connection ended',
    'this index is not queryable',
  ])("is not an effect's own error: %s", (message) => {
    expect(isConnectionError(new Error(message))).toBe(false);
  });
});
