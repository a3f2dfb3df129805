import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import Redis from 'ioredis';
import { freePort } from '../../local/servers/free-port';
import { isAlive, signal } from '../../local/servers/process-table';
import type { RedisServer } from '../../local/servers/redis-server';
import { waitUntil } from '../../local/servers/wait-until';
import { startPrivateRedis, testFolder } from '../servers/private-servers';

describe('startRedis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startPrivateRedis({ maxMemoryMegabytes: 64, policy: 'allkeys-lru' });
  });
  afterAll(() => server.stop());

  async function withClient<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(server.url);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  const setting = async (name: string) => withClient(async (client) => await client.config('GET', name));

  it('has the policy and memory that were asked for, writes nothing to disk and listens on loopback only', async () => {
    expect(await setting('maxmemory')).toEqual(['maxmemory', String(64 * 1024 * 1024)]);
    expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'allkeys-lru']);
    expect(await setting('save')).toEqual(['save', '']);
    expect(await setting('appendonly')).toEqual(['appendonly', 'no']);
    expect(await setting('bind')).toEqual(['bind', '127.0.0.1']);
  });

  it('is empty after it was killed and restarted on the same port', async () => {
    await withClient((client) => client.set('film', 'Metropolis'));
    const { pid, port } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(server.port).toBe(port);
    expect(await withClient((client) => client.get('film'))).toBeNull();
  });

  it('can be stopped while it is frozen', async () => {
    const { pid } = server;
    signal(pid, 'SIGSTOP');
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
  });

  it('tells when it dies without having been asked to', async () => {
    let ending: string | undefined;
    const mortal = await startPrivateRedis({ onDeath: (how) => (ending = how) });
    signal(mortal.pid, 'SIGKILL');
    expect(await waitUntil('the death is told', () => ending, { limitSeconds: 10 })).toBe('signal SIGKILL');
  });

  it('names the holder of a taken port', async () => {
    const holder = createServer().listen({ port: await freePort(), host: '127.0.0.1' });
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    await expect(startPrivateRedis({ port, purpose: 'the cache' })).rejects.toThrow(
      `Port ${port}, meant for the cache, is taken by node (process ${process.pid}); end it or choose another.`,
    );
    holder.close();
  });
});

describe('startRedis in a container', () => {
  /** Stands in for docker: runs the server that the image would run, on the port that would be published. */
  function containerEngine(): { engine: string; calls: () => string[] } {
    const folder = testFolder('docker');
    const engine = join(folder, 'docker');
    writeFileSync(
      engine,
      `#!/bin/bash
echo "$*" >>${folder}/calls
case $1 in
  rm) [ ! -e ${folder}/pid ] || { kill -KILL $(cat ${folder}/pid); rm ${folder}/pid; } ;;
  run)
    echo $$ >${folder}/pid
    port=$(grep -oP '127\\.0\\.0\\.1:\\K\\d+' <<<"$*")
    while [ "$1" != valkey-server ]; do shift; done
    shift
    exec redis-server "$@" --port $port ;;
esac
`,
      { mode: 0o755 },
    );
    return { engine, calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') };
  }

  it('takes one name for its folder, removes what an earlier run left under it, and removes it when killed', async () => {
    const { engine, calls } = containerEngine();
    const server = await startPrivateRedis({ program: { kind: 'container', engine } });
    expect(server.container).toMatch(/^holdfast-local-[0-9a-f]{12}$/);
    expect(await new Redis(server.url).quit()).toBe('OK');
    await server.kill();
    expect(isAlive(server.pid)).toBe(false);
    const remove = `rm --force --volumes ${server.container}`;
    expect(calls()[0]).toBe(remove);
    expect(calls()[1]).toContain(`run --rm --name ${server.container} --label holdfast-local`);
    expect(calls()[1]).toContain('--maxmemory 256mb --maxmemory-policy noeviction --appendonly no --save');
    expect(calls()[2]).toBe(remove);
  });
});
