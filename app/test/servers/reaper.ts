import { rmSync } from 'node:fs';
import {
  allPids,
  childrenOf,
  isAlive,
  pidsWithEnvironment,
  signal,
  workingFolderOf,
} from '../../local/servers/process-table';
import { waitUntil } from '../../local/servers/wait-until';
import { fromTestRun, TEST_RUN } from './test-run';

/*
 * Runs beside jest and ends with it: as soon as jest is gone (its end of the pipe closes, whatever the reason), every
 * process of the run is killed and the run's folder is removed.
 */
const folder = fromTestRun('folder');
const id = fromTestRun('id');

/** Servers that overwrite their environment with their title are known by the folder they work in. */
function processesOfRun(): number[] {
  const spared = new Set([process.pid, process.ppid]);
  const own = childrenOf(process.pid);
  for (const pid of own) spared.add(pid);
  const inFolder = allPids().filter((pid) => workingFolderOf(pid)?.startsWith(folder));
  return [...new Set([...pidsWithEnvironment(TEST_RUN.id, id), ...inFolder])].filter(
    (pid) => !spared.has(pid) && isAlive(pid),
  );
}

async function clean(): Promise<void> {
  await waitUntil(
    'every process of the test run is gone',
    () => {
      const pids = processesOfRun();
      for (const pid of pids) signal(pid, 'SIGKILL');
      return pids.length === 0;
    },
    { limitSeconds: 20 },
  );
  rmSync(folder, { recursive: true, force: true });
}

process.stdin.resume().once('end', () => {
  clean().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
});
