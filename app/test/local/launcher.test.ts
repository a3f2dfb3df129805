import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessRecord } from '../../local/leftovers';
import { freePort } from '../../local/servers/free-port';
import { isAlive } from '../../local/servers/process-table';
import { waitUntil } from '../../local/servers/wait-until';
import { testFolder } from '../servers/private-servers';

interface Launcher {
  readonly process: ChildProcess;
  output(): string;
  /** Waits until the output holds `text`. */
  says(text: string): Promise<void>;
  exitCode(): Promise<number | null>;
}

describe('npm start', () => {
  const folder = join(testFolder('launcher'), '.holdfast');
  let port: number;
  let metricsPort: number;
  let launcher: Launcher;

  function start(...words: string[]): Launcher {
    const child = spawn(
      process.execPath,
      [
        ...['--import', 'tsx', join(__dirname, 'launcher-process.ts'), folder],
        ...['--port', String(port), '--metrics-port', String(metricsPort), ...words],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const exit = once(child, 'exit') as Promise<[number | null]>;
    return {
      process: child,
      output: () => output,
      says: async (text) => {
        await waitUntil(`the launcher says "${text}"`, () => output.includes(text) || child.exitCode !== null, {
          limitSeconds: 60,
        });
        expect(output).toContain(text);
      },
      exitCode: async () => (await exit)[0],
    };
  }

  const listed = () => JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8')) as ProcessRecord[];
  const pidOf = (name: string) => listed().find((record) => record.name === name)!.pid;
  const filmsTotal = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/films`);
    return ((await response.json()) as { total: number }).total;
  };

  beforeAll(async () => {
    [port, metricsPort] = [await freePort(), await freePort()];
    launcher = start();
    await launcher.says('Press Ctrl-C to stop');
  });

  it('imports the real film list through a worker and says what was refused', async () => {
    const [, imported, refused] = /Imported (\d+) films; (\d+) rows were refused/.exec(launcher.output())!;
    expect(Number(imported) + Number(refused)).toBe(3201);
    expect(Number(refused)).toBeGreaterThan(0);
    expect(await filmsTotal()).toBeGreaterThan(3000);
  });

  it('prints addresses that fit 80 columns', () => {
    const box = /Holdfast is ready[^]*Press Ctrl-C/.exec(launcher.output())![0];
    expect(box).toContain(`http://localhost:${port}/docs`);
    expect(box.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('refuses a second launcher on the same folder', async () => {
    const second = start();
    expect(await second.exitCode()).toBe(1);
    expect(second.output()).toContain(`Holdfast runs here already (process ${launcher.process.pid})`);
  });

  it('starts a process again that died', async () => {
    const worker = pidOf('worker-1');
    process.kill(worker, 'SIGKILL');
    await launcher.says('worker-1 died (signal SIGKILL); it is started again');
    await waitUntil('worker-1 runs again', () => pidOf('worker-1') !== worker, { limitSeconds: 20 });
  });

  it('starts again after the launcher itself was killed, ends what it left, and keeps the data', async () => {
    const left = listed().map(({ pid }) => pid);
    launcher.process.kill('SIGKILL');
    await launcher.exitCode();

    launcher = start('--workers', '1');
    await launcher.says('Press Ctrl-C to stop');
    expect(launcher.output()).toMatch(/Ending \d processes that an earlier run left behind/);
    expect(launcher.output()).not.toContain('Imported');
    expect(left.filter(isAlive)).toEqual([]);
    expect(listed().filter(({ name }) => name.startsWith('worker'))).toHaveLength(1);
    expect(await filmsTotal()).toBeGreaterThan(3000);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops everything at %s', async (signal) => {
    if (launcher.process.exitCode !== null) {
      launcher = start();
      await launcher.says('Press Ctrl-C to stop');
    }
    const running = listed().map(({ pid }) => pid);
    launcher.process.kill(signal);
    expect(await launcher.exitCode()).toBe(0);
    expect(launcher.output()).toContain('Everything is stopped.');
    expect(running.filter(isAlive)).toEqual([]);
    expect(existsSync(join(folder, 'processes.json'))).toBe(false);
  });

  it('names a taken port, what it is for, and the flag to choose another', async () => {
    const holder = spawn(
      process.execPath,
      ['-e', `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('listens'))`],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(holder.stdout, 'data');
    const refused = start();
    expect(await refused.exitCode()).toBe(1);
    expect(refused.output()).toBe(
      `Port ${port}, meant for the app, is taken by node (process ${holder.pid}); end it or choose another with --port ${port + 1}.\n`,
    );
    holder.kill();
  });
});
