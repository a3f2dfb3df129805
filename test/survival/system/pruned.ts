import type { LedgerView } from './ledger-view';

/** A task that the engine has deleted, as it was; times in ms since 1970. */
export interface Pruned {
  readonly uuid: string;
  readonly uniqueKey: string | null;
  readonly state: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** Rows that it had left in app.probe_effect; they go with it, as nothing knows them afterwards. */
  readonly effects: number;
}

/** Writes down what is deleted from now on. @returns what was, so far */
export async function notePruned(ledger: LedgerView): Promise<() => Promise<Pruned[]>> {
  await ledger.rows(
    `create table public.pruned (uuid uuid, unique_key text, state text, started_at timestamptz, finished_at timestamptz,
                                 effects integer)`,
  );
  await ledger.rows(
    `create function public.note_pruned() returns trigger language plpgsql as $$
     declare gone integer;
     begin
       delete from app.probe_effect where task_id = old.uuid;
       get diagnostics gone = row_count;
       insert into public.pruned values (old.uuid, old.unique_key, old.state, old.started_at, old.finished_at, gone);
       return null;
     end $$`,
  );
  await ledger.rows(
    `create trigger note_pruned after delete on holdfast.task for each row execute function public.note_pruned()`,
  );
  return () =>
    ledger.rows<Pruned>(
      `select uuid, unique_key as "uniqueKey", state, effects,
              (extract(epoch from started_at) * 1000)::float8 as "startedMs",
              (extract(epoch from finished_at) * 1000)::float8 as "finishedMs"
       from public.pruned`,
    );
}
