import { DatabaseError } from 'pg';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { LedgerView } from './ledger-view';

export interface DatabaseFault {
  readonly code: string;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** How many statements it has made fail. */
  raised(): Promise<number>;
}

/** A frozen process's transaction is ended by then. */
const FREE_SECONDS = 30;
const LOCK_MS = 200;
const LOCK_NOT_AVAILABLE = '55P03';
/** Where statements of the engine and of tasks write. */
const TABLES = ['holdfast.task', 'app.probe_effect'];

/**
 * Makes a share (0 to 1) of the statements that insert or update fail with a code of PostgreSQL, as when its disk is full or
 * two transactions are in each other's way. The client sees exactly the error that PostgreSQL sends then.
 */
export function fault(
  ledger: LedgerView,
  {
    code,
    share,
    tables = TABLES,
  }: { readonly code: string; readonly share: number; readonly tables?: readonly string[] },
): DatabaseFault {
  const name = `fault_${code.toLowerCase()}`;
  return {
    code,
    begin: async () => {
      // A sequence counts also what is rolled back.
      await ledger.rows(`create sequence if not exists public.${name}_raised minvalue 0 start 0`);
      await ledger.rows(
        `create or replace function public.${name}() returns trigger language plpgsql as $$
         begin
           if random() < ${share} then
             perform nextval('public.${name}_raised');
             raise exception 'made to fail by a test' using errcode = '${code}';
           end if;
           return null;
         end $$`,
      );
      for (const table of tables) {
        await whenFree(
          ledger,
          `create trigger ${name} after insert or update on ${table} for each statement execute function public.${name}()`,
        );
      }
    },
    end: async () => {
      for (const table of tables) await whenFree(ledger, `drop trigger if exists ${name} on ${table}`);
    },
    raised: async () => {
      const [answer] = await ledger.rows<{ raised: number }>(
        `select (case when is_called then last_value + 1 else 0 end)::int as raised from public.${name}_raised`,
      );
      return answer!.raised;
    },
  };
}

/**
 * Runs a statement that needs a table for itself. A frozen process may keep it, and whoever comes after the one that waits
 * for it would wait, too: so this waits for short times only, and tries again.
 */
async function whenFree(ledger: LedgerView, statement: string): Promise<void> {
  await waitUntil(
    `PostgreSQL has done: ${statement}`,
    async () => {
      try {
        await ledger.rows(
          `do $do$ begin perform set_config('lock_timeout', '${LOCK_MS}', true); execute '${statement}'; end $do$`,
        );
        return true;
      } catch (error) {
        if (error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE) return false;
        throw error;
      }
    },
    { limitSeconds: FREE_SECONDS, everyMilliseconds: LOCK_MS },
  );
}
