import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Redis from 'ioredis';
import { freePort } from '../../../local/servers/free-port';
import { createTasks } from '../../../src/tasks';
import { certificateAuthority } from '../../servers/certificates';
import { startPrivateRedis } from '../../servers/private-servers';
import { recordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

const TOKEN = 'a token/with: odd%characters';
const ROOT = join(__dirname, '..', '..', '..', '..');
const authority = certificateAuthority();
const run = promisify(execFile);
let redis: Awaited<ReturnType<typeof startPrivateRedis>>;
let tlsPort: number;

/** As Amazon ElastiCache with encryption in transit and an AUTH token. */
beforeAll(async () => {
  const { certificateFile, keyFile } = authority.issue(['DNS:localhost']);
  tlsPort = await freePort();
  redis = await startPrivateRedis({
    settings: {
      'tls-port': tlsPort,
      'tls-cert-file': certificateFile,
      'tls-key-file': keyFile,
      'tls-ca-cert-file': authority.certificateFile,
      'tls-auth-clients': 'no',
    },
  });
  const administrator = new Redis(redis.url);
  await administrator.config('SET', 'requirepass', TOKEN);
  await administrator.quit();
});
afterAll(() => redis.stop());

function address(password: string, host = 'localhost', protocol = 'rediss'): string {
  const credentials = password === '' ? '' : `:${encodeURIComponent(password)}@`;
  return `${protocol}://${credentials}${host}:${tlsPort}`;
}

async function connect(url: string, authorityFile?: string): Promise<string> {
  const client = join('app', 'test', 'tasks', 'support', 'redis-client.ts');
  const { stdout } = await run(process.execPath, ['--import', 'tsx', client, url], {
    cwd: ROOT,
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authorityFile },
  });
  return stdout;
}

describe('rediss://', () => {
  it('connects with a known authority, the right name and the AUTH token', async () => {
    expect(await connect(address(TOKEN), authority.certificateFile)).toBe('answered: PONG');
  });

  it('is meant however it is written', async () => {
    expect(await connect(address(TOKEN, 'localhost', 'REDISS'), authority.certificateFile)).toBe('answered: PONG');
  });

  it.each([
    ['an unknown authority', () => connect(address(TOKEN)), /^refused: (unable to|self-signed)/],
    [
      'a certificate for another host',
      () => connect(address(TOKEN, '127.0.0.1'), authority.certificateFile),
      /^refused: Hostname\/IP does not match certificate's altnames/,
    ],
    ['a wrong token', () => connect(address('wrong'), authority.certificateFile), /^refused: WRONGPASS/],
    ['no token', () => connect(address(''), authority.certificateFile), /^refused: NOAUTH/],
    ['plain text', () => connect(address(TOKEN, 'localhost', 'redis')), /^refused: /],
  ])('refuses %s', async (_, attempt, message) => {
    expect(await attempt()).toMatch(message);
  });

  it('that cannot be trusted keeps an engine on PostgreSQL, and is reported once without the token', async () => {
    const logger = recordingLogger();
    const tasks = createTasks({ postgres: {}, redisUrl: address(TOKEN), logger });
    const lines = await until('it is reported', () => {
      const found = logger.saying('tasks go on through PostgreSQL');
      return found.length > 0 && found;
    });
    expect(lines).toHaveLength(1);
    expect(tasks.redisReachable()).toBe(false);
    expect(JSON.stringify(logger.lines)).not.toContain(encodeURIComponent(TOKEN));
    await tasks.close();
  });
});

it.each(['', 'localhost', 'http://localhost', 'hunter2', 'redis:'])('an engine refuses the address %j', (redisUrl) => {
  const open = () => createTasks({ postgres: {}, redisUrl, logger: recordingLogger() });
  expect(open).toThrow(/^createTasks: redisUrl is .*; allowed is redis:\/\/host:port or rediss:\/\/host:port$/);
  // It may be a password in the wrong place.
  expect(open).not.toThrow('hunter2');
});
