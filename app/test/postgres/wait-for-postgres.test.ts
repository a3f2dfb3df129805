import { pino } from 'pino';
import { signal } from '../../local/servers/process-table';
import { waitForPostgres } from '../../src/postgres/wait-for-postgres';
import { eventually } from '../http/test-app';
import { startPrivatePostgres } from '../servers/private-servers';

describe('waitForPostgres', () => {
  const lines: { msg: string; reason?: string }[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line) as { msg: string; reason?: string }) });
  let postgres: Awaited<ReturnType<typeof startPrivatePostgres>>;
  beforeAll(async () => {
    postgres = await startPrivatePostgres();
  });
  afterAll(() => postgres.stop());

  test('waits for a database that is still starting, and says so', async () => {
    await postgres.stop();
    const waiting = waitForPostgres({ connectionString: postgres.url }, 60, logger);
    await eventually(() => lines.find(({ msg }) => msg === 'waiting for the database'), 'it says that it waits');
    await postgres.restart();
    await waiting;
  });

  test('waits for a database that takes connections and does not answer', async () => {
    signal(postgres.pid, 'SIGSTOP');
    const waiting = waitForPostgres({ connectionString: postgres.url }, 60, logger);
    await eventually(() => lines.find(({ reason }) => reason === 'timeout expired'), 'it says why it waits');
    signal(postgres.pid, 'SIGCONT');
    await waiting;
  });

  test('gives up after its limit with the reason', async () => {
    await postgres.stop();
    await expect(waitForPostgres({ connectionString: postgres.url }, 0.2, logger)).rejects.toThrow(/ECONNREFUSED/);
    await postgres.restart();
  });

  test('does not wait for what waiting cannot mend', async () => {
    const wrong = new URL(postgres.url);
    wrong.pathname = '/no_such_database';
    await expect(waitForPostgres({ connectionString: wrong.href }, 60, logger)).rejects.toThrow('does not exist');
  });
});
