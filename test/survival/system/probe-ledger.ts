import { migrateAll } from '../../../app/src/postgres/migrate-all';
import { createTasks } from '../../../app/src/tasks';
import type { Tasks } from '../../../app/src/tasks';
import { createLedgerDatabase } from '../../../app/test/servers/databases';
import { LedgerView } from './ledger-view';
import { LogBook } from './log-book';

/** The app's database without its processes, for tests of what is said about a ledger. */
export interface ProbeLedger {
  readonly tasks: Tasks;
  readonly ledger: LedgerView;
  close(): Promise<void>;
}

export async function openProbeLedger(): Promise<ProbeLedger> {
  const database = await createLedgerDatabase();
  await migrateAll({ connectionString: database.url });
  const tasks = createTasks({ postgres: { connectionString: database.url }, logger: new LogBook().taskLogger() });
  const ledger = new LedgerView(database.url);
  return {
    tasks,
    ledger,
    close: async () => {
      await tasks.close();
      await ledger.close();
      await database.drop();
    },
  };
}
