import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Reaper {
  /** Resolves when every process of the run has ended and its folder is gone. */
  finish(): Promise<void>;
}

/**
 * Starts the process that cleans up after the run. It waits on a pipe that only this process holds, so that it also
 * notices when the run is interrupted or killed and no teardown is called.
 */
export function startReaper(): Reaper {
  const reaper = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'reaper.ts')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(reaper, 'exit');
  return {
    finish: async () => {
      reaper.stdin.end();
      await ended;
    },
  };
}
