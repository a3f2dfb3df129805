import type { Pool } from 'pg';
import type { Acknowledged } from './messages';

/** Ids that were acknowledged, in batches; beside the ledger and never changed by the engine. */
export async function writeJournal(pool: Pool, tasks: readonly Acknowledged[]): Promise<void> {
  await pool.query('insert into soak.journal (task_id, must) select * from unnest($1::uuid[], $2::text[])', [
    tasks.map(({ id }) => id),
    tasks.map(({ must }) => must),
  ]);
}

export const SOAK_SCHEMA = `
  create schema soak;
  create unlogged table soak.journal (task_id uuid not null, must text not null);
  create table soak.effect (task_id uuid not null, at timestamptz not null default now());
  create table soak.received (key text primary key)`;

/*
 * Each statement answers with the ids that break one promise, asked when nothing is unfinished any more. Ids that the
 * ledger has pruned by then are judged by their effects, which are never pruned.
 */
const BROKEN = {
  'accepted, and without its effect': `
    select j.task_id from soak.journal j
    where j.must = 'done' and not exists (select from soak.effect e where e.task_id = j.task_id)`,
  'more than one effect': `
    select e.task_id from soak.effect e group by e.task_id having count(*) > 1`,
  'an effect of a task that must have none': `
    select e.task_id from soak.effect e join soak.journal j on j.task_id = e.task_id
    where j.must in ('dead', 'discarded')`,
  'a child that waits although its parents are finished': `
    select t.uuid as task_id from holdfast.task t where t.state = 'waiting'`,
  'not finished': `
    select t.uuid as task_id from holdfast.task t where t.finished_at is null and t.name <> 'soak.tick'`,
} as const;

export async function brokenPromises(pool: Pool): Promise<string[]> {
  await pool.query('create index if not exists effect_task on soak.effect (task_id); analyze soak.effect');
  const broken: string[] = [];
  for (const [promise, statement] of Object.entries(BROKEN)) {
    const ids = (await pool.query<{ task_id: string }>(statement)).rows.map((row) => row.task_id);
    if (ids.length > 0) broken.push(`${promise}: ${ids.length}, such as ${ids.slice(0, 3).join(', ')}`);
  }
  return broken;
}
