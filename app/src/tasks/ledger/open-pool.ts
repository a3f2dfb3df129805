import { Pool } from 'pg';
import type { PoolConfig } from 'pg';

/**
 * A pool whose connections may break at any time: it replaces them.
 * @param lost told of each that broke while nobody used it.
 */
export function openPool(config: PoolConfig, lost: (error: Error) => void): Pool {
  const pool = new Pool(config);
  pool.on('error', lost);
  // Unheard, the event would end the process, and between lending a connection and the borrower's next line the pool does
  // not listen: PostgreSQL's last words may come in one packet with the answer that made the connection free.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
