import { join } from 'node:path';
import { readConfiguration } from './configuration/configuration';
import { waitForPostgres } from './postgres/wait-for-postgres';
import { exitOnUncaught, orExit } from './process/lifecycle';
import { createLogger } from './process/logger';
import { migrate, runMigrations } from './tasks';

const DATABASE_WAIT_SECONDS = 60;

/** Brings both schemas up to date: the task engine's `holdfast` and the app's `app`. Harmless when run twice. */
async function runAll(): Promise<void> {
  const configuration = orExit(() => readConfiguration('migrate', process.env));
  const logger = createLogger('migrate', configuration.logLevel, process.pid);
  exitOnUncaught(logger);
  const postgres = { connectionString: configuration.databaseUrl };
  const began = performance.now();
  try {
    await waitForPostgres(postgres, DATABASE_WAIT_SECONDS, logger);
    const engine = await migrate(postgres);
    const app = await runMigrations(postgres, { schema: 'app', directory: join(__dirname, 'migrations') });
    logger.info({ engine, app, durationMs: Math.round(performance.now() - began) }, 'migrations done');
  } catch (error) {
    logger.fatal({ err: error }, 'migrations failed');
    process.exitCode = 1;
  }
}

void runAll();
