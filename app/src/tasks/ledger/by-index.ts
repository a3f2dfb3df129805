/**
 * Begins a transaction whose statements are planned as the engine's hot ones are (ledger.ts): by index, whatever the
 * statistics say.
 */
export const BY_INDEX = `select set_config('enable_' || way, 'off', true)
  from unnest(array['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin']) as way`;
