import type { Call } from './effect-receiver';
import { EXTERNAL_PROMISES } from './external-promises';
import type { LedgerView } from './ledger-view';

/** How a task ends that does not end done. */
export type Ending = 'dead' | 'cancelled' | 'parked';

/** What a statement finds is a lost task, one whose effect was repeated, or neither. */
type Kind = 'lost' | 'repeated' | 'wrong';

/*
 * What must not be found once the last fault has healed and the backlog has drained. Each statement answers with the
 * uuids that break one promise; $1 are the ids that callers were told of, $2 those of them that are not to end done, $3
 * how these end.
 */
const BROKEN_PROMISES: Readonly<Record<string, { readonly kind: Kind; readonly sql: string }>> = {
  'acknowledged, and not in the ledger': {
    kind: 'lost',
    sql: `select told.uuid from unnest($1::uuid[]) as told (uuid)
          where not exists (select from holdfast.task t where t.uuid = told.uuid)`,
  },
  'accepted, and not done': {
    kind: 'lost',
    sql: `select uuid from holdfast.task where state <> 'done' and uuid <> all ($2::uuid[])`,
  },
  'ended otherwise than they should': {
    kind: 'lost',
    sql: `select t.uuid from unnest($2::uuid[], $3::text[]) as meant (uuid, ending)
          join holdfast.task t on t.uuid = meant.uuid
          where t.state <> meant.ending or coalesce(t.dead_reason, t.error, '') = ''`,
  },
  'acknowledged probes without effect': {
    kind: 'lost',
    sql: `select told.uuid from unnest($1::uuid[]) as told (uuid)
          where told.uuid <> all ($2::uuid[])
            and not exists (select from app.probe_effect e where e.task_id = told.uuid)
            and not exists (
              select from holdfast.task t where t.uuid = told.uuid and t.payload ->> 'leaves' is not null
            )`,
  },
  'probes that are done, and without effect': {
    kind: 'lost',
    sql: `select t.uuid from holdfast.task t
          where t.state = 'done' and t.name = 'probes.run' and t.payload ->> 'leaves' is null
            and not exists (select from app.probe_effect e where e.task_id = t.uuid)`,
  },
  'more than one effect': {
    kind: 'repeated',
    sql: `select task_id as uuid from app.probe_effect group by task_id having count(*) > 1`,
  },
  'an effect, and no accepted task': {
    kind: 'wrong',
    sql: `select e.task_id as uuid from app.probe_effect e
          where not exists (select from holdfast.task t where t.uuid = e.task_id)`,
  },
  'an effect of a task that is not done': {
    kind: 'wrong',
    sql: `select e.task_id as uuid from app.probe_effect e join holdfast.task t on t.uuid = e.task_id
          where t.state <> 'done'`,
  },
  'an effect of another run than the last one': {
    kind: 'wrong',
    sql: `select e.task_id as uuid from app.probe_effect e join holdfast.task t on t.uuid = e.task_id
          where e.fence is distinct from t.fence`,
  },
  'an effect of a probe that is to leave none': {
    kind: 'wrong',
    sql: `select e.task_id as uuid from app.probe_effect e join holdfast.task t on t.uuid = e.task_id
          where t.payload ->> 'leaves' is not null`,
  },
  // One without an effect tells by its result whose and which run's end was written.
  'done with another result than that of the last run': {
    kind: 'wrong',
    sql: `select t.uuid from holdfast.task t
          where t.state = 'done' and t.payload ->> 'leaves' is not null and t.result is distinct from
            case t.payload ->> 'leaves' when 'result' then jsonb_build_object('taskId', t.uuid, 'fence', t.fence) end`,
  },
  // Each attempt that counted and was not the last one has failed, and is kept.
  'done without an effect, and begun again although it had not failed': {
    kind: 'repeated',
    sql: `select t.uuid from holdfast.task t
          where t.state = 'done' and t.payload ->> 'leaves' is not null and (
            t.attempts not between 1 and t.fence
            or t.attempts - 1 > (select count(*) from holdfast.attempt a where a.task_id = t.id)
          )`,
  },
  ...EXTERNAL_PROMISES,
};

/** The most ids shown for one broken promise. */
const SHOWN = 5;

export interface Findings {
  /** Undefined when it cannot be said. */
  readonly lost: number | undefined;
  readonly repeated: number;
  /** One for each broken promise, with how many tasks break it and some of their ids. */
  readonly sentences: readonly string[];
}

/**
 * Which promises are broken; to be asked when nothing is unfinished any more but what is parked.
 * @param calls of tasks to the outside, as their receiver journalled them
 * @param underWay tasks may still be done: then nothing is said about what is lost
 */
export async function brokenPromises(
  ledger: LedgerView,
  acknowledged: readonly string[],
  endings: ReadonlyMap<string, Ending>,
  { calls, underWay }: { readonly calls: readonly Call[]; readonly underWay: boolean },
): Promise<Findings> {
  const ids: Record<Kind, Set<string>> = { lost: new Set(), repeated: new Set(), wrong: new Set() };
  const sentences: string[] = [];
  const values = [
    ...[acknowledged, [...endings.keys()], [...endings.values()]],
    ...[calls.map(({ key }) => key), calls.map(({ receipt }) => receipt)],
  ];
  for (const [promise, { kind, sql }] of Object.entries(BROKEN_PROMISES)) {
    if (underWay && kind === 'lost') continue;
    const known = Math.max(0, ...[...sql.matchAll(/\$(\d)/g)].map(([, number]) => Number(number)));
    // A statement takes as many values as it names; the ones before are typed, so that PostgreSQL knows them.
    const typed = `with given as (select $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) ${sql.trimStart()}`;
    const found = (await ledger.rows<{ uuid: string }>(known === 0 ? sql : typed, known === 0 ? [] : values)).map(
      ({ uuid }) => uuid,
    );
    if (found.length === 0) continue;
    for (const id of found) ids[kind].add(id);
    sentences.push(`${promise}: ${found.length} tasks, such as ${found.slice(0, SHOWN).join(', ')}`);
  }
  if (new Set(acknowledged).size !== acknowledged.length) sentences.push('an id was acknowledged twice');
  return { lost: underWay ? undefined : ids.lost.size, repeated: ids.repeated.size, sentences };
}

interface Ends {
  readonly done: number;
  /** Of these, the probes that were to leave no effect. */
  readonly withoutEffect: number;
  readonly otherwise: number;
  readonly effects: number;
}

/** How the ledger's tasks ended, and how many effects there are. */
export async function countEnds(ledger: LedgerView): Promise<Ends> {
  const [counts] = await ledger.rows<Ends>(
    `select count(*) filter (where state = 'done')::int as done,
            count(*) filter (where state = 'done' and payload ->> 'leaves' is not null)::int as "withoutEffect",
            count(*) filter (where state in ('dead', 'cancelled', 'parked'))::int as otherwise,
            (select count(*)::int from app.probe_effect) as effects
     from holdfast.task`,
  );
  return counts!;
}
