import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerArguments, findRedis } from '../../local/servers/redis-program';
import { testFolder } from '../servers/private-servers';

const log = () => undefined;
const install = () => Promise.resolve(false);

function program(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('findRedis', () => {
  it('takes redis-server of the PATH', async () => {
    const folder = testFolder('bin');
    const path = program(folder, 'redis-server', 'echo "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"');
    expect(await findRedis({ log, install, searchPath: folder })).toEqual({ kind: 'program', path });
  });

  it('takes valkey-server beside a redis-server that has no LMPOP', async () => {
    const folder = testFolder('bin');
    program(folder, 'redis-server', 'echo "Redis server v=6.0.16 sha=00000000:0"');
    const path = program(folder, 'valkey-server', 'echo "Valkey server v=8.1.0 sha=00000000:0"');
    expect(await findRedis({ log, install, searchPath: folder })).toEqual({ kind: 'program', path });
  });

  it('takes a container engine whose daemon answers', async () => {
    const folder = testFolder('bin');
    const engine = program(folder, 'docker', 'echo 28.2.2');
    expect(await findRedis({ log, install, searchPath: folder })).toEqual({ kind: 'container', engine });
  });

  it('installs Redis when there is nothing else', async () => {
    const folder = testFolder('bin');
    program(folder, 'docker', 'exit 1');
    const path = join(folder, 'redis-server');
    const installer = () => {
      program(folder, 'redis-server', 'echo "Redis server v=8.0.2 sha=00000000:0"');
      return Promise.resolve(true);
    };
    expect(await findRedis({ log, install: installer, searchPath: folder })).toEqual({ kind: 'program', path });
  });

  it('says what to install when nothing is found', async () => {
    await expect(findRedis({ log, install, searchPath: testFolder('bin') })).rejects.toThrow(
      /^Redis was not found: .*; install Redis 7\.0 or later, or Valkey \(".*install.*"\), or start docker\.$/,
    );
  });

  it('says which version is too old, and why', async () => {
    const folder = testFolder('bin');
    const path = program(folder, 'redis-server', 'echo "Redis server v=6.0.16 sha=00000000:0"');
    await expect(findRedis({ log, install, searchPath: folder })).rejects.toThrow(
      `Redis 6.0.16 (${path}) is too old: the workers need the command LMPOP, which came with Redis 7.0;`,
    );
  });
});

it('opens the port of a container on loopback only', () => {
  const words = containerArguments('holdfast-local-1', 16379, ['--maxmemory', '64mb']);
  expect(words).toContain('127.0.0.1:16379:6379');
  expect(words).toContain('holdfast-local');
});
