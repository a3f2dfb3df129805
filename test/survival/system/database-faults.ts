import type { LedgerView } from './ledger-view';

export interface DatabaseFault {
  readonly code: string;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** How many statements it has made fail. */
  raised(): Promise<number>;
}

/** Where statements of the engine and of tasks write. */
const TABLES = ['holdfast.task', 'app.probe_effect'];

/**
 * Makes a share (0 to 1) of the statements that insert or update fail with a code of PostgreSQL, as when its disk is full or
 * two transactions are in each other's way. The client sees exactly the error that PostgreSQL sends then.
 */
export function fault(
  ledger: LedgerView,
  { code, share }: { readonly code: string; readonly share: number },
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
      for (const table of TABLES) {
        await ledger.rows(
          `create trigger ${name} after insert or update on ${table} for each statement execute function public.${name}()`,
        );
      }
    },
    end: async () => {
      for (const table of TABLES) await ledger.rows(`drop trigger ${name} on ${table}`);
    },
    raised: async () => {
      const [answer] = await ledger.rows<{ raised: number }>(
        `select (case when is_called then last_value + 1 else 0 end)::int as raised from public.${name}_raised`,
      );
      return answer!.raised;
    },
  };
}
