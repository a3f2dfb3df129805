import { join } from 'node:path';
import { CLAIM_STATEMENTS } from '../../../src/tasks/claiming/claimer';
import { FINISH_STATEMENTS } from '../../../src/tasks/finishing/finisher';
import { LEASE_STATEMENTS } from '../../../src/tasks/leases/lease';
import { LIMITS_STATEMENTS } from '../../../src/tasks/limiting/limited-claimer';
import { loadStatements } from '../../../src/tasks/ledger/statements';

const SOURCE = join(__dirname, '../../../src/tasks');

/** The engine's own statements, for tests that hold one up, fail it, or run it on a connection of their own. */
export const CLAIM = loadStatements(join(SOURCE, 'claiming'), 'claim.sql', CLAIM_STATEMENTS);
export const LEASE = loadStatements(join(SOURCE, 'leases'), 'lease.sql', LEASE_STATEMENTS);
export const LIMITS = loadStatements(join(SOURCE, 'limiting'), 'limits.sql', LIMITS_STATEMENTS);
export const FINISH = loadStatements(join(SOURCE, 'finishing'), 'finish.sql', FINISH_STATEMENTS);
export const INSPECT = loadStatements(join(SOURCE, 'inspecting'), 'inspect.sql', [
  'get',
  'get_many',
  'attempts',
  'list',
  'list_unfinished',
  'list_dead',
  'list_parked',
  'list_longest',
  'dead_kinds',
  'key_holder',
  'queues',
  'workers',
  'unknown_kinds',
]);
