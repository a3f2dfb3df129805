import type { Pool } from 'pg';
import type { Addresses } from './workload';

/** One of the systems that are put side by side. */
export interface System {
  readonly id: 'holdfast' | 'bullmq' | 'celery';
  readonly name: string;
  readonly version: string;
  /** How it is set up, a sentence each; README.md has the sources. */
  readonly settings: readonly string[];
  /** Makes its own tables, where it has some. */
  prepare(addresses: Addresses): Promise<void>;
  command(role: 'producer' | 'worker'): readonly [program: string, ...parameters: string[]];
  /** Tasks that its own store still wants to have done. */
  pending(addresses: Addresses, pool: Pool): Promise<number>;
  /** Keys of the tasks that its own store shows as failed for good. */
  failed(addresses: Addresses, pool: Pool): Promise<readonly number[]>;
}
