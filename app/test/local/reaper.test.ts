import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_RUN } from '../servers/test-run';
import { testFolder } from '../servers/private-servers';

it('an interrupted test run leaves no process and no folder', async () => {
  const folder = testFolder('interrupted');
  const environment = { ...process.env, [TEST_RUN.id]: randomUUID(), [TEST_RUN.folder]: folder };
  const marked = spawn('sleep', ['60'], { env: environment, stdio: 'ignore', detached: true });
  const inFolder = spawn('sleep', ['60'], { cwd: folder, stdio: 'ignore', detached: true });
  const reaper = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../servers/reaper.ts')], {
    env: environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const deaths = Promise.all([once(marked, 'exit'), once(inFolder, 'exit')]);

  reaper.stdin.end();
  expect((await once(reaper, 'exit'))[0]).toBe(0);
  expect(await deaths).toEqual([
    [null, 'SIGKILL'],
    [null, 'SIGKILL'],
  ]);
  expect(existsSync(folder)).toBe(false);
});
