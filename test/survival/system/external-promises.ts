/*
 * What must not be found when the receiver's journal is held against the ledger. $4 are the keys of all calls that the
 * receiver took, one element a call, $5 what it answered to each; a key is the uuid of its task, a colon and `probe`.
 */
export const EXTERNAL_PROMISES = {
  'called outside, and no accepted task or no intent of it': {
    kind: 'wrong',
    sql: `select called.key as uuid from unnest($4::text[]) as called (key)
          where not exists (
            select from holdfast.external_effect e join holdfast.task t on t.id = e.task_id
            where t.uuid || ':' || e.key = called.key
          )`,
  },
  'more than one key at the receiver': {
    kind: 'repeated',
    sql: `select split_part(called.key, ':', 1) as uuid from unnest($4::text[]) as called (key)
          group by split_part(called.key, ':', 1) having count(distinct called.key) > 1`,
  },
  'called outside again, although it was to be parked': {
    kind: 'repeated',
    sql: `select t.uuid from unnest($4::text[]) as called (key)
          join holdfast.task t on t.uuid || ':probe' = called.key
          where t.payload ->> 'onUnknown' = 'park'
          group by t.uuid having count(*) > 1`,
  },
  'done, and never called outside': {
    kind: 'lost',
    sql: `select t.uuid from holdfast.task t
          where t.state = 'done' and t.payload ->> 'outcome' = 'external'
            and t.uuid || ':probe' <> all ($4::text[])`,
  },
  'done under another receipt than the receiver gave': {
    kind: 'wrong',
    sql: `select t.uuid from holdfast.task t
          left join holdfast.external_effect e on e.task_id = t.id and e.key = 'probe'
          left join (select distinct * from unnest($4::text[], $5::text[])) as called (key, receipt)
            on called.key = t.uuid || ':probe'
          where t.state = 'done' and t.payload ->> 'outcome' = 'external' and e.resolved is not true
            and (e.receipt_at is null or e.receipt ->> 'answer' is distinct from called.receipt)`,
  },
} as const;
