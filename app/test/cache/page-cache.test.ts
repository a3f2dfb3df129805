import { Redis } from 'ioredis';
import { signal } from '../../local/servers/process-table';
import { freePort } from '../../local/servers/free-port';
import type { RedisServer } from '../../local/servers/redis-server';
import { CacheStore } from '../../src/cache/cache-store';
import { PageCache } from '../../src/cache/page-cache';
import type { PageCacheOptions } from '../../src/cache/page-cache';
import { eventually } from '../http/test-app';
import { startPrivateRedis } from '../servers/private-servers';

const ENTRY = 'holdfast:screenings:entry:/';

describe('the cache of pages', () => {
  let redis: RedisServer;
  let client: Redis;
  const stores: CacheStore[] = [];
  const said: string[] = [];
  beforeAll(async () => {
    redis = await startPrivateRedis({ policy: 'allkeys-lru' });
    client = new Redis(redis.url);
  });
  beforeEach(() => client.flushall());
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
    said.length = 0;
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  /** One of several web processes. */
  async function openCache({
    over,
    ...options
  }: Partial<PageCacheOptions> & { over?: (store: CacheStore) => Partial<CacheStore> } = {}): Promise<PageCache> {
    const log = (line: string): void => void said.push(line);
    const store = new CacheStore(redis.url, { warn: log, info: log } as never);
    stores.push(store);
    await eventually(() => store.get(['x']).catch(() => undefined), 'the cache is connected');
    said.length = 0;
    const shown = over === undefined ? store : Object.assign(Object.create(store) as CacheStore, over(store));
    return new PageCache({ store: shown, group: 'screenings', ...options });
  }

  function gate(): { readonly passed: Promise<void>; open(): void } {
    let open = (): void => undefined;
    const passed = new Promise<void>((resolve) => (open = resolve));
    return { passed, open: () => open() };
  }

  const text = (value: string) => () => Promise.resolve(value);

  test('an entry is computed once and found by all processes until a write', async () => {
    const [one, two] = [await openCache(), await openCache()];
    expect(await one.getOrSet('/', text('a'))).toEqual({ text: 'a', status: 'miss' });
    expect(await one.getOrSet('/', text('b'))).toEqual({ text: 'a', status: 'hit' });
    expect(await two.getOrSet('/', text('b'))).toEqual({ text: 'a', status: 'hit' });
    expect(await two.invalidate()).toBe(true);
    expect(await one.getOrSet('/', text('b'))).toEqual({ text: 'b', status: 'miss' });
    expect(await one.getOrSet('/other', text('\n{"c":1}\n'))).toEqual({ text: '\n{"c":1}\n', status: 'miss' });
    expect(await two.getOrSet('/other', text('?'))).toEqual({ text: '\n{"c":1}\n', status: 'hit' });
  });

  test('what was computed from data of before a write and stored after it does not count', async () => {
    const [reader, writer] = [await openCache(), await openCache()];
    const [reading, written] = [gate(), gate()];
    const old = reader.getOrSet('/', async () => {
      reading.open();
      await written.passed;
      return 'old';
    });
    await reading.passed;
    await writer.invalidate();
    // Asked for after the write was answered, while the old computation is still under way: it is not joined.
    expect((await reader.getOrSet('/', text('new'))).text).toBe('new');
    written.open();
    expect((await old).text).toBe('old');
    // The old text is what was stored last now, under its own generation.
    for (const cache of [reader, writer]) expect((await cache.getOrSet('/', text('newer'))).text).toMatch(/^new/);
  });

  test('of all processes one computes, and the others wait for it', async () => {
    const caches = [await openCache(), await openCache(), await openCache()];
    const computing = gate();
    let computed = 0;
    const answers = Array.from({ length: 60 }, (_, n) =>
      caches[n % 3]!.getOrSet('/', async () => {
        computed += 1;
        await computing.passed;
        return 'once';
      }),
    );
    await eventually(async () => ((await client.keys(`${ENTRY}:lock:*`)).length === 1 ? true : undefined), 'a lock');
    computing.open();
    expect((await Promise.all(answers)).map((answer) => answer.text)).toEqual(Array(60).fill('once'));
    expect(computed).toBe(1);
  });

  test('all who ask in one turn of the event loop share one question', async () => {
    const cache = await openCache();
    await cache.getOrSet('/', text('a'));
    await client.config('RESETSTAT');
    const answers = await Promise.all(Array.from({ length: 60 }, () => cache.getOrSet('/', text('b'))));
    expect(answers).toEqual(Array(60).fill({ text: 'a', status: 'hit' }));
    expect(/cmdstat_mget:calls=(\d+)/.exec(await client.info('commandstats'))?.[1]).toBe('1');
  });

  test('who asks after a write was answered shares no question that was sent before', async () => {
    const writer = await openCache();
    const [sent, slow] = [gate(), gate()];
    const reader = await openCache({
      over: (store) => ({
        get: async (keys) => {
          const answer = await store.get(keys);
          sent.open();
          await slow.passed;
          return answer;
        },
      }),
    });
    await writer.getOrSet('/', text('old'));
    const before = reader.getOrSet('/', text('?'));
    await sent.passed;
    await writer.invalidate();
    const after = reader.getOrSet('/', text('new'));
    slow.open();
    expect((await before).text).toBe('old');
    expect((await after).text).toBe('new');
  });

  test('a computation that fails is told to whoever asked, and the others compute for themselves', async () => {
    const [one, two] = [await openCache(), await openCache()];
    const [computing, failing] = [gate(), gate()];
    const failed = one.getOrSet('/', async () => {
      computing.open();
      await failing.passed;
      throw new Error('no database');
    });
    const refused = expect(failed).rejects.toThrow('no database');
    await computing.passed;
    const other = two.getOrSet('/', text('fine'));
    failing.open();
    await refused;
    expect((await other).text).toBe('fine');
    expect((await one.getOrSet('/', text('again'))).text).toMatch(/again|fine/);
  });

  test('a process that dies while it computes keeps nobody waiting for longer than its lock', async () => {
    const cache = await openCache();
    await cache.invalidate();
    const generation = (await client.get('holdfast:screenings:generation'))!;
    await client.set(`${ENTRY}:lock:${generation}`, '', 'PX', 300);
    expect(await cache.getOrSet('/', text('a'))).toEqual({ text: 'a', status: 'bypass' });
    expect(await cache.getOrSet('/', text('b'))).toEqual({ text: 'b', status: 'miss' });
  });

  test('entries of a generation that was evicted do not count', async () => {
    const cache = await openCache();
    await cache.getOrSet('/', text('old'));
    await client.del('holdfast:screenings:generation');
    expect(await cache.getOrSet('/', text('new'))).toEqual({ text: 'new', status: 'miss' });
  });

  test('everything expires, so that a node shared with the queue evicts it first', async () => {
    const cache = await openCache({ ttlSeconds: 30 });
    await cache.getOrSet('/', text('a'));
    const keys = await client.keys('*');
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) expect(await client.ttl(key)).toBeGreaterThan(0);
    expect(await client.ttl(ENTRY)).toBeLessThanOrEqual(30);
  });

  test('a cache that hangs, or is not there, means computing; it is said once, and so is its return', async () => {
    const cache = await openCache();
    await cache.getOrSet('/', text('a'));
    signal(redis.pid, 'SIGSTOP');
    try {
      for (const value of ['b', 'c', 'd'])
        expect(await cache.getOrSet('/', text(value))).toEqual({ text: value, status: 'bypass' });
      expect(await cache.invalidate()).toBe(false);
    } finally {
      signal(redis.pid, 'SIGCONT');
    }
    await eventually(async () => {
      return (await cache.getOrSet('/', text('e'))).status === 'bypass' ? undefined : true;
    }, 'the cache is used again');
    expect(said).toEqual(['the cache does not answer; pages are computed for every request', 'the cache is back']);
    const nowhere = new CacheStore(`redis://127.0.0.1:${await freePort()}`, { warn: () => 0, info: () => 0 } as never);
    stores.push(nowhere);
    const without = new PageCache({ store: nowhere, group: 'screenings' });
    expect(await without.getOrSet('/', text('a'))).toEqual({ text: 'a', status: 'bypass' });
    const none = new PageCache({ store: undefined, group: 'screenings' });
    expect(await none.getOrSet('/', text('a'))).toEqual({ text: 'a', status: 'bypass' });
    expect(await none.invalidate()).toBe(true);
  });

  test('a write that could not reach the cache shows after the time to live', async () => {
    const cache = await openCache({ ttlSeconds: 1 });
    await cache.getOrSet('/', text('old'));
    const fresh = await eventually(async () => {
      const { text: shown } = await cache.getOrSet('/', text('new'));
      return shown === 'new' ? shown : undefined;
    }, 'the entry expires');
    expect(fresh).toBe('new');
  });
});
