import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { dropData, keptSecret, openFolder } from '../../local/folder';
import { keptPorts } from '../../local/kept-ports';
import { testFolder } from '../servers/private-servers';

describe('the kept data', () => {
  it('keeps a secret that only its owner can read', () => {
    const file = join(testFolder('kept'), 'admin-token');
    const secret = keptSecret(file);
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(keptSecret(file)).toBe(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('keeps the ports of the servers, and moves one that another program has taken', async () => {
    const file = join(testFolder('kept'), 'ports.json');
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    const first = await keptPorts(file, say);
    expect(new Set(Object.values(first)).size).toBe(6);
    expect(await keptPorts(file, say)).toEqual(first);

    const other = createServer().listen({ port: first.queue, host: '127.0.0.1' });
    await once(other, 'listening');
    const moved = await keptPorts(file, say);
    other.close();
    expect(moved).toEqual({ ...first, queue: moved.queue });
    expect(moved.queue).not.toBe(first.queue);
    expect(said).toEqual([
      `Port ${first.queue} of the queue is taken by node (process ${process.pid}); it moves to ${moved.queue}.`,
    ]);
  });

  it('drops everything but the list of running processes', () => {
    const folder = openFolder(join(testFolder('kept'), '.holdfast'));
    keptSecret(folder.adminToken);
    writeFileSync(folder.processes, '[]');
    dropData(folder);
    expect(existsSync(folder.adminToken)).toBe(false);
    expect(readFileSync(folder.processes, 'utf8')).toBe('[]');
  });
});
