import { loadStatements } from '../ledger/statements';

export const FLOWS = loadStatements(__dirname, 'flows.sql', [
  'parents',
  'hold_failed',
  'begin_waiting',
  'any_open',
  'open_page',
  'settle',
  'settle_children',
  'retry',
  'revive_children',
  'results',
  'neighbours',
]);
