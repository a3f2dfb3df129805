/*
 * What one run of the tests hands to its workers and to everything that they start, through the environment.
 */
export const TEST_RUN = {
  /** A uuid; every process that carries it belongs to the run and is ended with it. */
  id: 'HOLDFAST_TEST_RUN',
  /** Folder of the run's servers; removed at its end. */
  folder: 'HOLDFAST_TEST_FOLDER',
  databaseUrl: 'HOLDFAST_TEST_DATABASE_URL',
  redisUrl: 'HOLDFAST_TEST_REDIS_URL',
  /** Given by whoever runs the tests: folder with initdb and postgres of the PostgreSQL to test on. */
  postgresBin: 'HOLDFAST_TEST_POSTGRES_BIN',
} as const;

/** The variable's value; throws when the run has not set it. */
export function fromTestRun(name: keyof typeof TEST_RUN): string {
  const value = process.env[TEST_RUN[name]];
  if (!value) throw new Error(`${TEST_RUN[name]} is not set; run the tests through jest, whose global setup sets it.`);
  return value;
}
