import type { Ledger } from '../ledger/ledger';
import type { ExternalEffectRecord } from '../types';
import { EXTERNAL } from './external-statements';

/** What the task (bigint id) did to the outside, in the order in which it began. */
export async function effectsOf(ledger: Ledger, id: string): Promise<ExternalEffectRecord[]> {
  return (await ledger.query<ExternalEffectRecord>(EXTERNAL.of_task, [id])).rows;
}
