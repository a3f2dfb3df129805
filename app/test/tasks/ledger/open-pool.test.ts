import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { openPool } from '../../../src/tasks/ledger/open-pool';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';

const ADMIN_SHUTDOWN = '57P01';
/** PostgreSQL's message ReadyForQuery, outside of a transaction. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

let fixture: LedgerFixture;
let server: Server;
const sockets: Socket[] = [];
/** Keeps what PostgreSQL says from here on until it has ended the connection, and passes it on in one packet. */
let hold = false;
let held = Buffer.alloc(0);
let url: URL;

beforeAll(async () => {
  fixture = await ledgerFixture();
  const target = new URL(fixture.url);
  server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    upstream.on('data', (data) => {
      if (!hold) client.write(data);
      else held = Buffer.concat([held, data]);
    });
    upstream.on('end', () => client.end(held));
    client.on('data', (data) => upstream.write(data));
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(fixture.url);
  url.port = String((server.address() as AddressInfo).port);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await fixture.drop();
});

it('a connection that is lost in the moment in which it is lent is an error of its borrower, and of nobody else', async () => {
  const lost: Error[] = [];
  const pool = openPool({ connectionString: url.href, max: 1 }, (error) => lost.push(error));
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  hold = true;
  const first = pool.query('select 1 as one');
  const second = pool.connect();
  await until('the answer has come', () => held.includes(READY));
  await fixture.pool.query('select pg_terminate_backend($1, 10000)', [rows[0]!.pid]);

  // The answer and PostgreSQL's last words arrive at once: the answer frees the connection, which is lent at once.
  expect((await first).rows).toEqual([{ one: 1 }]);
  const client = await second;
  await expect(client.query('select 2')).rejects.toThrow('not queryable');
  client.release(true);
  expect(lost).toEqual([]);

  hold = false;
  expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
  await pool.end();
});

it('one that is lost while nobody uses it is told of and replaced', async () => {
  const lost: Error[] = [];
  const pool = openPool({ connectionString: fixture.url, max: 1 }, (error) => lost.push(error));
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const told = once(pool, 'error');
  await fixture.pool.query('select pg_terminate_backend($1, 10000)', [rows[0]!.pid]);
  await told;
  expect(lost).toMatchObject([{ code: ADMIN_SHUTDOWN }]);
  expect((await pool.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
  await pool.end();
});
