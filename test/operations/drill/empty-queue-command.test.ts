import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../../app/test/servers/private-servers';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { emptyQueueCommand } from '../../../lib/operations/drill/empty-queue-command';
import { ROOT } from '../support/holdfast';

describe("what a worker's container runs in a drill", () => {
  let server: RedisServer;
  const [program = '', ...words] = emptyQueueCommand(0);
  const run = (environment: Readonly<Record<string, string>>) =>
    spawnSync(program, words, { cwd: join(ROOT, 'app'), env: { ...process.env, ...environment }, encoding: 'utf8' });

  beforeAll(async () => {
    server = await startPrivateRedis();
  });
  afterAll(() => server.stop());

  it('empties the Redis of its own environment, and tells of how much and when', async () => {
    const redis = new Redis(server.url);
    await redis.mset('one', 1, 'two', 2);
    await redis.config('SET', 'requirepass', 'a-token');
    const began = Date.now();
    const { status, stdout } = run({ QUEUE_REDIS_URL: server.url, QUEUE_REDIS_PASSWORD: 'a-token' });
    expect(status).toBe(0);
    const { keys, at } = JSON.parse(stdout) as { readonly keys: number; readonly at: number };
    expect(keys).toBe(2);
    expect(at).toBeGreaterThanOrEqual(began);
    expect(await redis.dbsize()).toBe(0);
    redis.disconnect();
  });

  it('ends with 1 and a sentence when Redis does not let it in', () => {
    const { status, stdout, stderr } = run({ QUEUE_REDIS_URL: server.url, QUEUE_REDIS_PASSWORD: 'another' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/WRONGPASS|NOAUTH|invalid/i);
  });
});
