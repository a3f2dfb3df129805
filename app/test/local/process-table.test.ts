import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, isPortTaken } from '../../local/servers/free-port';
import { childrenOf, commandOf, isAlive, listenerOf, signal, startOf } from '../../local/servers/process-table';

describe('the process table', () => {
  it('knows a child by its start, and not any more once it is dead', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid!;
    const start = startOf(pid);
    expect(start).toMatch(/\S/);
    expect(startOf(pid)).toBe(start);
    expect(startOf(process.pid)).not.toBe(start);
    expect(childrenOf(process.pid)).toContain(pid);
    expect(commandOf(pid)).toBe('sleep 60');

    signal(pid, 'SIGKILL');
    await once(child, 'exit');
    expect(isAlive(pid)).toBe(false);
    expect(() => signal(pid, 'SIGTERM')).not.toThrow();
  });

  it('finds who listens on a port', async () => {
    const port = await freePort();
    expect(await isPortTaken(port)).toBe(false);
    expect(listenerOf(port)).toBeUndefined();
    const server = createServer().listen({ port, host: '127.0.0.1' });
    await once(server, 'listening');
    expect(await isPortTaken(port)).toBe(true);
    expect(listenerOf(port)).toBe(process.pid);
    server.close();
  });
});
