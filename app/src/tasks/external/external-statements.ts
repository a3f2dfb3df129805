import { loadStatements } from '../ledger/statements';

export const EXTERNAL = loadStatements(__dirname, 'external.sql', [
  'begin',
  'received',
  'not_sent',
  'of_task',
  'parked_task',
  'in_question',
  'sent',
  'taken_back',
  'queue',
]);
