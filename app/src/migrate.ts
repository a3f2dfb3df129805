import { readConfiguration } from './configuration/configuration';
import { postgresAt } from './postgres/connection';
import { migrateAll } from './postgres/migrate-all';
import { waitForPostgres } from './postgres/wait-for-postgres';
import { exitOnUncaught, orExit } from './process/lifecycle';
import { newLedgerEpoch } from './tasks';
import { createLogger } from './process/logger';

const DATABASE_WAIT_SECONDS = 60;
/** After a restore from a backup, before anything else of the app runs. */
const NEW_EPOCH = '--new-epoch';
const EXIT_USAGE = 2;

async function runAll(words: readonly string[]): Promise<void> {
  const configuration = orExit(() => readConfiguration('migrate', process.env));
  const logger = createLogger('migrate', configuration.logLevel, process.pid);
  exitOnUncaught(logger);
  const postgres = postgresAt(configuration.databaseUrl);
  const began = performance.now();
  try {
    await waitForPostgres(postgres, { limitSeconds: DATABASE_WAIT_SECONDS, logger });
    const applied = await migrateAll(postgres);
    if (words.includes(NEW_EPOCH)) logger.info({ epoch: await newLedgerEpoch(postgres) }, 'the ledger has a new epoch');
    logger.info({ ...applied, durationMs: Math.round(performance.now() - began) }, 'migrations done');
  } catch (error) {
    logger.fatal({ err: error }, 'migrations failed');
    process.exitCode = 1;
  }
}

const words = process.argv.slice(2);
const unknown = words.find((word) => word !== NEW_EPOCH);
if (unknown === undefined) void runAll(words);
else {
  process.stderr.write(`migrate: ${JSON.stringify(unknown)} is not known; allowed is ${NEW_EPOCH}, after a restore.\n`);
  process.exitCode = EXIT_USAGE;
}
