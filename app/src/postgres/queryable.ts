import type { Transaction } from '../tasks';

/** Anything that runs one statement: a pool or a transaction. */
export type Queryable = Pick<Transaction, 'query'>;
