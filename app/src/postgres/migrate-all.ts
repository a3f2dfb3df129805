import { join } from 'node:path';
import type { ClientConfig } from 'pg';
import { migrate, runMigrations } from '../tasks';

export interface AppliedMigrations {
  /** Files applied now to the task engine's schema `holdfast`. */
  readonly engine: readonly string[];
  /** Files applied now to the app's schema `app`. */
  readonly app: readonly string[];
}

/** Brings both schemas up to date. Harmless when run twice or by several processes at once. */
export async function migrateAll(postgres: ClientConfig): Promise<AppliedMigrations> {
  const engine = await migrate(postgres);
  const app = await runMigrations(postgres, { schema: 'app', directory: join(__dirname, '..', 'migrations') });
  return { engine, app };
}
