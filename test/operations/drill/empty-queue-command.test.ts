import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { startPrivateRedis } from '../../../app/test/servers/private-servers';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { emptyQueueCommand } from '../../../lib/operations/drill/empty-queue-command';
import { ROOT } from '../support/holdfast';

const WAIT = { limitSeconds: 30 };

describe("what a worker's container runs in a drill", () => {
  let server: RedisServer;
  let redis: Redis;

  const start = (waitSeconds: number, environment: Readonly<Record<string, string>>) => {
    const [program = '', ...words] = emptyQueueCommand(waitSeconds);
    const child = spawn(program, words, { cwd: join(ROOT, 'app'), env: { ...process.env, ...environment } });
    const written = { output: '', errors: '' };
    child.stdout.on('data', (data: Buffer) => (written.output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (written.errors += data.toString()));
    const ended = (once(child, 'close') as Promise<[number | null]>).then(([status]) => ({ status, ...written }));
    return { child, written, ended };
  };

  beforeAll(async () => {
    server = await startPrivateRedis();
    redis = new Redis(server.url);
    await redis.config('SET', 'requirepass', 'a-token');
    await redis.auth('a-token');
  });
  beforeEach(() => redis.mset('one', 1, 'two', 2));
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('empties the Redis of its own environment at its sign, and tells of how much', async () => {
    const { child, written, ended } = start(60, { QUEUE_REDIS_URL: server.url, QUEUE_REDIS_PASSWORD: 'a-token' });
    await waitUntil('it is connected', () => written.output === 'ready\n', WAIT);
    expect(await redis.dbsize()).toBe(2);
    child.kill('SIGTERM');
    expect(await ended).toEqual({ status: 0, output: 'ready\n{"keys":2}\n', errors: '' });
    expect(await redis.dbsize()).toBe(0);
  });

  it('empties nothing when no sign comes', async () => {
    const { ended } = start(0, { QUEUE_REDIS_URL: server.url, QUEUE_REDIS_PASSWORD: 'a-token' });
    expect(await ended).toEqual({ status: 1, output: 'ready\n', errors: 'no sign came within 0 s\n' });
    expect(await redis.dbsize()).toBe(2);
  });

  it('ends with 1 and a sentence when Redis does not let it in', async () => {
    const { ended } = start(60, { QUEUE_REDIS_URL: server.url, QUEUE_REDIS_PASSWORD: 'another' });
    const { status, output, errors } = await ended;
    expect({ status, output }).toEqual({ status: 1, output: '' });
    expect(errors).toMatch(/WRONGPASS|NOAUTH|invalid/i);
    expect(await redis.dbsize()).toBe(2);
  });
});
