import { pino } from 'pino';
import { signal } from '../../local/servers/process-table';
import { untilAvailable, waitForPostgres } from '../../src/postgres/wait-for-postgres';
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
    const waiting = waitForPostgres({ connectionString: postgres.url }, { limitSeconds: 60, logger });
    await eventually(() => lines.find(({ msg }) => msg === 'waiting for the database'), 'it says that it waits');
    await postgres.restart();
    await waiting;
  });

  test('waits for a database that takes connections and does not answer', async () => {
    signal(postgres.pid, 'SIGSTOP');
    const waiting = waitForPostgres({ connectionString: postgres.url }, { limitSeconds: 60, logger });
    await eventually(() => lines.find(({ reason }) => reason === 'timeout expired'), 'it says why it waits');
    signal(postgres.pid, 'SIGCONT');
    await waiting;
  });

  test('gives up after its limit with the reason', async () => {
    await postgres.stop();
    await expect(waitForPostgres({ connectionString: postgres.url }, { limitSeconds: 0.2, logger })).rejects.toThrow(
      /ECONNREFUSED/,
    );
    await postgres.restart();
  });

  test('gives up after its limit although an attempt is still under way', async () => {
    const never = new Promise<void>(() => undefined);
    await expect(untilAvailable(() => never, { limitSeconds: 0.2, logger })).rejects.toThrow(
      'the database did not answer within 0.2 s',
    );
  });

  test('ends with the reason of its signal, whatever is under way, and tries no more', async () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    for (const answer of [() => new Promise<void>(() => undefined), () => Promise.reject(refused)]) {
      const stop = new AbortController();
      const work = jest.fn(answer);
      const waiting = untilAvailable(work, { limitSeconds: 60, logger, signal: stop.signal });
      stop.abort(new Error('stopped'));
      await expect(waiting).rejects.toThrow('stopped');
      await expect(untilAvailable(work, { limitSeconds: 60, logger, signal: stop.signal })).rejects.toThrow('stopped');
      expect(work).toHaveBeenCalledTimes(1);
    }
  });

  test('does not wait for what waiting cannot mend', async () => {
    const wrong = new URL(postgres.url);
    wrong.pathname = '/no_such_database';
    await expect(waitForPostgres({ connectionString: wrong.href }, { limitSeconds: 60, logger })).rejects.toThrow(
      'does not exist',
    );
  });
});
