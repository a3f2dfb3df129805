import { readConfiguration } from './configuration/configuration';
import { postgresAt } from './postgres/connection';
import { migrateAll } from './postgres/migrate-all';
import { waitForPostgres } from './postgres/wait-for-postgres';
import { exitOnUncaught, orExit } from './process/lifecycle';
import { createLogger } from './process/logger';

const DATABASE_WAIT_SECONDS = 60;

async function runAll(): Promise<void> {
  const configuration = orExit(() => readConfiguration('migrate', process.env));
  const logger = createLogger('migrate', configuration.logLevel, process.pid);
  exitOnUncaught(logger);
  const postgres = postgresAt(configuration.databaseUrl);
  const began = performance.now();
  try {
    await waitForPostgres(postgres, DATABASE_WAIT_SECONDS, logger);
    const applied = await migrateAll(postgres);
    logger.info({ ...applied, durationMs: Math.round(performance.now() - began) }, 'migrations done');
  } catch (error) {
    logger.fatal({ err: error }, 'migrations failed');
    process.exitCode = 1;
  }
}

void runAll();
