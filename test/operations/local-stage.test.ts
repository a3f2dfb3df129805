import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '../../app/local/servers/free-port';
import { waitUntil } from '../../app/local/servers/wait-until';
import { testFolder } from '../../app/test/servers/private-servers';
import type { QueuesAnswer, TaskDetails } from '../../lib/operations/app-api/answers';
import type { DrillReport } from '../../lib/operations/drill/drill';
import { holdfast, json, ROOT, startHoldfast, tooLong } from './support/holdfast';
import type { Ended } from './support/holdfast';

const LAUNCHER = join(ROOT, 'app', 'test', 'local', 'launcher-process.ts');
const WAIT = { limitSeconds: 30, everyMilliseconds: 100 };

/** The app that `npm start` runs, in a folder of its own. */
describe('npx holdfast --stage local', () => {
  const root = testFolder('operations');
  const folder = join(root, '.holdfast');
  let launcher: ChildProcess;
  let port: number;

  const local = (...words: readonly string[]): Promise<Ended> => holdfast([...words, '--stage', 'local'], { root });
  const api = async <Answer>(path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${readFileSync(join(folder, 'admin-token'), 'utf8').trim()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Answer;
  };
  const probe = async (body: object): Promise<string> =>
    (await api<{ taskIds: [string] }>('/api/probes', { count: 1, ...body })).taskIds[0];
  const untilState = (id: string, state: string) =>
    waitUntil(`${id} is ${state}`, async () => (await api<TaskDetails>(`/api/tasks/${id}`)).state === state, WAIT);

  beforeAll(async () => {
    port = await freePort();
    const ports = ['--port', String(port), '--metrics-port', String(await freePort())];
    launcher = spawn(process.execPath, ['--import', 'tsx', LAUNCHER, folder, ...ports, '--workers', '2'], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await waitUntil('the app runs', () => existsSync(join(folder, 'address')), {
      limitSeconds: 55,
      everyMilliseconds: 100,
    });
  });

  afterAll(async () => {
    const ended = once(launcher, 'exit');
    launcher.kill('SIGINT');
    await ended;
  });

  it('shows how the app is, for people and for programs', async () => {
    const told = await startHoldfast(['status', '--stage', 'local'], { root }).ended;
    expect(told).toMatchObject({ exitCode: 0, errors: '' });
    expect(told.output).toContain(`http://127.0.0.1:${port}`);
    expect(told.output).toContain('2 workers');
    const data = json(await local('status', '--json'));
    expect(data).toMatchObject({ stage: 'local', ready: true, tasks: { workers: 2 } });
  });

  it('lists queues and workers', async () => {
    const told = await local('queues');
    expect(told).toMatchObject({ exitCode: 0, errors: '' });
    expect(told.output).toMatch(/^imports +\d/m);
    expect(tooLong(told.output)).toEqual([]);
    expect((json(await local('queues', '--json')) as QueuesAnswer).workers).toHaveLength(2);
  });

  it('shows a task with its attempts', async () => {
    const id = await probe({ failTimes: 1 });
    await untilState(id, 'done');
    const told = await local('task', id);
    expect(told.exitCode).toBe(0);
    expect(told.output).toMatch(/^ +1 .*Error: attempt 1 of a probe/m);
    expect(tooLong(told.output)).toEqual([]);
    expect((json(await local('task', id, '--json')) as TaskDetails).attempts).toHaveLength(2);
  });

  it('lists dead tasks, and queues one or all of a kind again', async () => {
    const ids = [await probe({ outcome: 'non-retryable' }), await probe({ outcome: 'non-retryable' })];
    for (const id of ids) await untilState(id, 'dead');
    const listed = await local('retry');
    for (const id of ids) expect(listed.output).toContain(id);
    expect(tooLong(listed.output)).toEqual([]);

    const one = await local('retry', ids[0]!, '--json');
    expect(one.exitCode).toBe(0);
    expect(json(one)).toMatchObject({ id: ids[0] });
    await untilState(ids[0]!, 'dead');

    const unasked = await local('retry', '--kind', 'probes.run');
    expect(unasked).toMatchObject({ exitCode: 2, output: '' });
    expect(unasked.errors).toContain('add --yes');
    const all = await local('retry', '--kind', 'probes.run', '--yes', '--json');
    expect(json(all)).toMatchObject({ changed: 2 });
    for (const id of ids) await untilState(id, 'dead');
    await api('/api/tasks/discard', { name: 'probes.run' });
  });

  it('lets a parked task go on when a person has said what happened', async () => {
    const id = await probe({ outcome: 'external', onUnknown: 'park', failTimes: 1 });
    await untilState(id, 'parked');
    const told = await local('resolve', id, 'sent');
    expect(told).toMatchObject({ exitCode: 0, errors: '' });
    expect(told.output).toContain('it goes on');
    await untilState(id, 'done');
    const again = await local('resolve', id, 'sent');
    expect(again.exitCode).toBe(2);
    expect(again.errors.trim().split('\n')).toHaveLength(1);
  });

  it('pauses a queue and resumes it', async () => {
    const paused = await local('pause', 'probes');
    expect(paused.exitCode).toBe(0);
    expect(paused.output).toContain('npx holdfast resume probes');
    const isPaused = async () =>
      (await api<QueuesAnswer>('/api/queues')).queues.find(({ name }) => name === 'probes')?.pausedAt !== null;
    await waitUntil('probes is paused', isPaused, WAIT);
    expect(await local('drill', 'queue-loss', '--yes')).toMatchObject({
      exitCode: 4,
      errors: 'The queue probes is paused, so that no probe would be done: npx holdfast resume probes.\n',
    });
    expect((await local('resume', 'probes')).exitCode).toBe(0);
    await waitUntil('probes is open', async () => !(await isPaused()), WAIT);
    expect(await local('pause', 'porbes')).toMatchObject({ exitCode: 4, output: '' });
  });

  it('follows a log until Ctrl-C', async () => {
    const following = startHoldfast(['logs', 'web', '--follow', '--since', '1h', '--stage', 'local'], { root });
    await waitUntil('lines come', () => following.output().includes('web listening at'), WAIT);
    await probe({});
    await waitUntil('new lines come', () => following.output().includes('probes accepted'), WAIT);
    following.process.kill('SIGINT');
    expect(await following.ended).toMatchObject({ exitCode: 130, errors: '' });

    const lines = (await local('logs', 'worker-1', '--lines', '2', '--since', '1h', '--json')).output
      .trim()
      .split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ process: 'worker-1', from: 'worker-1' });
  });

  it('empties the queue under load, and counts that nothing is lost', async () => {
    const drill = startHoldfast(
      ['drill', 'queue-loss', '--probes', '300', '--seconds', '3', '--yes', '--stage', 'local'],
      { root },
    );
    const told = await drill.ended;
    expect(told.exitCode).toBe(0);
    expect(told.output).toMatch(/^before +300 +\d+ +\d+ +0 +0$/m);
    expect(told.output).toMatch(/^after +330 +330 +0 +0 +0$/m);
    expect(told.output).toMatch(/Redis was emptied of \d+ keys/);
    expect(told.output).toMatch(/Passed: 330 of 330 probes done, \d+\.\d s after it/);
    expect(tooLong(told.output)).toEqual([]);
  });

  it('kills a worker under load, and waits until it is back', async () => {
    const told = await local('drill', 'instance', '--probes', '60', '--seconds', '2', '--yes', '--json');
    expect(told.exitCode).toBe(0);
    const report = json(told) as DrillReport;
    expect(report).toMatchObject({ drill: 'instance', passed: true, after: { accepted: 66, done: 66, missing: 0 } });
    expect(report.seconds.whole).toBeGreaterThan(0);
    expect((await local('drill', 'failover', '--yes')).exitCode).toBe(2);
  });

  it('finds nothing wrong with what runs', async () => {
    const told = await local('doctor');
    expect(told).toMatchObject({ exitCode: 0, errors: '' });
    expect(told.output).toContain('2 workers alive');
    expect(tooLong(told.output)).toEqual([]);
  });

  it('says that it does not run, in a folder where it does not', async () => {
    const told = await holdfast(['queues', '--stage', 'local'], { root: dirname(root) });
    expect(told).toMatchObject({ exitCode: 4, output: '' });
    expect(told.errors).toContain('start it with npm start');
  });
});
