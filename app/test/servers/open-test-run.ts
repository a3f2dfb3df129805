import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReaper } from './reaper.client';
import type { Reaper } from './reaper.client';
import { TEST_RUN } from './test-run';

export interface OpenTestRun {
  /** Removed at the end of the run. */
  readonly folder: string;
  /** Ends everything that carries the run's mark, however the run ends. */
  readonly reaper: Reaper;
}

/** Marks this process and all that it starts as one run of tests, with a folder of its own. */
export function openTestRun(): OpenTestRun {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  // PostgreSQL may run as another user, who has to pass through here.
  chmodSync(folder, 0o711);
  process.env[TEST_RUN.id] = randomUUID();
  process.env[TEST_RUN.folder] = folder;
  return { folder, reaper: startReaper() };
}
