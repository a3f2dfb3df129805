import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf, commandOf, isAlive, signal, workingFolderOf } from './process-table';
import type { Log } from './spawn-server';
import { waitUntil } from './wait-until';

const STOP_SECONDS = 20;

/**
 * Makes the data directory free to use: ends a server that a killed launcher left running on it, and removes a
 * postmaster.pid whose number now belongs to another program (PostgreSQL itself would take that for a running server).
 * The file's lines: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h
 */
export async function endLeftoverPostgres(dataDirectory: string, log: Log): Promise<void> {
  const file = join(dataDirectory, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  if (!runsOn(pid, dataDirectory)) {
    log(`Removing a stale postmaster.pid: process ${pid} is not PostgreSQL on this folder any more.`);
    rmSync(file);
    return;
  }
  log(`Ending the PostgreSQL (process ${pid}) that an earlier run left behind.`);
  const everyone = [pid, ...childrenOf(pid)];
  const gone = () => !everyone.some(isAlive);
  signal(pid, 'SIGINT');
  signal(pid, 'SIGCONT');
  try {
    await waitUntil('the old PostgreSQL has ended', gone, { limitSeconds: STOP_SECONDS });
  } catch {
    for (const process of everyone) signal(process, 'SIGKILL');
    await waitUntil('the old PostgreSQL was killed', gone, { limitSeconds: 10 });
  }
}

/** The postmaster's working directory is its data directory; where that cannot be read, its arguments name it. */
function runsOn(pid: number, dataDirectory: string): boolean {
  const folder = workingFolderOf(pid);
  if (folder !== undefined) return folder === realpathSync(dataDirectory);
  const command = commandOf(pid) ?? '';
  return command.includes('postgres') && command.includes(dataDirectory);
}
