import { createTasks } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import type { LedgerFixture } from './ledger-fixture';
import { recordingLogger } from './recording-logger';

/** An engine on the fixture's ledger, without Redis where none is named. */
export function openEngine(fixture: LedgerFixture, redis: string | undefined): Tasks {
  const postgres = { connectionString: fixture.url, application_name: 'under test' };
  return createTasks({ postgres, logger: recordingLogger(), ...(redis !== undefined && { redisUrl: redis }) });
}
