import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openProcessList, type ProcessRecord } from '../../local/leftovers';
import { isAlive, startOf } from '../../local/servers/process-table';
import { testFolder } from '../servers/private-servers';

describe('the list of processes', () => {
  const children: ChildProcess[] = [];
  afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

  const child = async (): Promise<number> => {
    const started = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
    children.push(started);
    await once(started, 'spawn');
    return started.pid!;
  };
  const record = (name: string, pid: number, start = startOf(pid) ?? '', role: ProcessRecord['role'] = 'app') => ({
    name,
    pid,
    start,
    role,
    stopSignal: 'SIGTERM',
  });
  const listed = (...records: object[]) => {
    const file = join(testFolder('processes'), 'processes.json');
    writeFileSync(file, JSON.stringify(records));
    return file;
  };

  it('refuses a second launcher while the first runs', async () => {
    const first = await child();
    const file = listed(record('launcher', first, undefined, 'launcher'));
    const before = readFileSync(file, 'utf8');
    await expect(openProcessList(file, () => undefined)).rejects.toThrow(
      `Holdfast runs here already (process ${first}); press Ctrl-C in its terminal, or end it with: kill ${first}`,
    );
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('ends what a killed launcher left running and says so', async () => {
    const [web, redis] = [await child(), await child()];
    const file = listed(
      record('launcher', 999_999_999, 'long ago', 'launcher'),
      record('web', web),
      record('queue', redis, undefined, 'server'),
    );
    const said: string[] = [];
    const list = await openProcessList(file, (line) => said.push(line));
    expect(said).toEqual(['Ending 2 processes that an earlier run left behind.']);
    expect([web, redis].some(isAlive)).toBe(false);
    list.close();
    expect(existsSync(file)).toBe(false);
  });

  it('never ends a process that got the pid of an old one', async () => {
    const stranger = await child();
    const said: string[] = [];
    await openProcessList(listed(record('web', stranger, 'another start')), (line) => said.push(line));
    expect(said).toEqual([]);
    expect(isAlive(stranger)).toBe(true);
  });

  it('kills everything but the launcher at once', async () => {
    const file = join(testFolder('processes'), 'processes.json');
    const list = await openProcessList(file, () => undefined);
    const pid = await child();
    const gone = once(children.at(-1)!, 'exit');
    list.add({ name: 'web', pid, stopSignal: 'SIGTERM', role: 'app' });
    list.killAll();
    expect(await gone).toEqual([null, 'SIGKILL']);
    expect(isAlive(process.pid)).toBe(true);
  });
});
