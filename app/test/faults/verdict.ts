import type { LedgerView } from './ledger-view';

/*
 * What must not be found once the last fault has healed and the backlog has drained. Each statement answers with the
 * uuids that break one promise; $1 are the ids that callers were told of.
 */
const BROKEN_PROMISES = {
  'acknowledged, and not in the ledger': `
    select told.uuid from unnest($1::uuid[]) as told (uuid)
    where not exists (select from holdfast.task t where t.uuid = told.uuid)`,
  'accepted, and not done': `
    select uuid from holdfast.task where state <> 'done'`,
  'acknowledged, and without effect': `
    select told.uuid from unnest($1::uuid[]) as told (uuid)
    where not exists (select from app.probe_effect e where e.task_id = told.uuid)`,
  'done, and without effect': `
    select t.uuid from holdfast.task t
    where t.state = 'done' and not exists (select from app.probe_effect e where e.task_id = t.uuid)`,
  'more than one effect': `
    select task_id as uuid from app.probe_effect group by task_id having count(*) > 1`,
  'an effect, and no accepted task': `
    select e.task_id as uuid from app.probe_effect e
    where not exists (select from holdfast.task t where t.uuid = e.task_id)`,
  'an effect of another attempt than the one that completed the task': `
    select e.task_id as uuid from app.probe_effect e join holdfast.task t on t.uuid = e.task_id
    where e.attempt <> t.attempts`,
} as const;

/** The most ids shown for one broken promise. */
const SHOWN = 5;

/**
 * Which promises are broken, with how many tasks break each and some of their ids. Nothing means a clean verdict.
 * To be asked when nothing is unfinished any more.
 */
export async function brokenPromises(ledger: LedgerView, acknowledged: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  for (const [promise, statement] of Object.entries(BROKEN_PROMISES)) {
    const values = statement.includes('$1') ? [acknowledged] : [];
    const ids = (await ledger.rows<{ uuid: string }>(statement, values)).map(({ uuid }) => uuid);
    if (ids.length > 0) broken.push(`${promise}: ${ids.length} tasks, such as ${ids.slice(0, SHOWN).join(', ')}`);
  }
  if (new Set(acknowledged).size !== acknowledged.length) broken.push('an id was acknowledged twice');
  return broken;
}
