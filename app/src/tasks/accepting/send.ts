import type { Ledger } from '../ledger/ledger';
import type { Transaction } from '../types';

/** Of our own connections; a foreign client may stand behind a pooler that cannot prepare. */
export type OwnTransaction = Transaction & Partial<Pick<Ledger, 'prepared'>>;

/** How a statement is sent, prepared under its name where that is possible. */
export type Send =
  // Row says what the statement selects, as in `pg` itself; nothing can check it.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  <Row extends object>(name: string, text: string, values: readonly unknown[]) => Promise<{ rows: Row[] }>;

export function sendIn(tx: OwnTransaction): Send {
  return (name, text, values) => tx.prepared?.(name, text, values) ?? tx.query(text, values);
}
