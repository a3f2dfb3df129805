import type { Mutant } from './mutant';

/**
 * What the suite must catch. Where two rules hold the same promise, taking one out breaks nothing that can be seen from
 * outside: the fence while the state is checked as well, the relay while workers look into the ledger, a unique tick while
 * its schedule is locked. Such a rule has a test of the engine that looks at it alone.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no fence check',
    caughtBy: {
      file: 'tasks/finishing/fence.test.ts',
      name: 'when the task was claimed by another worker, its earlier attempt changes nothing by being done',
    },
    patches: [
      {
        file: 'tasks/finishing/mine-done.part.sql',
        from: '    and ((t.id, t.fence) in (select d.id, d.fence from unnest($1::bigint[], $2::integer[]) as d (id, fence))) is true\n',
        to: '    and $2::integer[] is not null\n',
      },
    ],
  },
  {
    name: 'no fence check where effects are written',
    caughtBy: { row: 'P4', says: /^an effect of another run than the last one/ },
    patches: [
      {
        file: 'tasks/finishing/finish.sql',
        from: 'where t.id = $1 and t.fence = $2 and t.state',
        to: 'where t.id = $1 and $2::integer is not null and t.state',
      },
    ],
  },
  {
    name: 'attempt counted at completion instead of claim',
    caughtBy: { row: 'P6', says: /^the task that kills was dead after 0 counted attempts/ },
    patches: [
      {
        file: 'tasks/claiming/claimed.part.sql',
        from: 'attempts = t.attempts + 1',
        to: 'attempts = t.attempts',
      },
      {
        file: 'tasks/claiming/claimed.part.sql',
        from: 't.attempts as attempt,',
        to: '(t.attempts + 1)::smallint as attempt,',
      },
      // Whoever ends an attempt counts it, and what was never counted is not taken off again.
      {
        file: 'tasks/finishing/finish.sql',
        from: 'held_key = null\nwhere t.id = any',
        to: 'held_key = null, attempts = t.attempts + 1\nwhere t.id = any',
      },
      {
        file: 'tasks/finishing/finish.sql',
        from: 'held_key = null,\n    result = (',
        to: 'held_key = null, attempts = t.attempts + 1,\n    result = (',
      },
      {
        file: 'tasks/finishing/finish.sql',
        from: 'held_key = null, result = $3',
        to: 'held_key = null, attempts = t.attempts + 1, result = $3',
      },
      {
        file: 'tasks/finishing/finish.sql',
        from: 't.attempts >= t.max_attempts',
        to: 't.attempts + 1 >= t.max_attempts',
      },
      {
        file: 'tasks/finishing/finish.sql',
        from: 'select t.id, t.fence, t.attempts, t.worker_id, t.started_at, mine.error',
        to: 'select t.id, t.fence, t.attempts + 1, t.worker_id, t.started_at, mine.error',
      },
      {
        file: 'tasks/finishing/finish.sql',
        from: "when 'snoozed' then t.attempts - 1 else t.attempts end",
        to: "when 'snoozed' then t.attempts else t.attempts + 1 end",
      },
      {
        file: 'tasks/finishing/give-back.part.sql',
        from: 'attempts = t.attempts - 1',
        to: 'attempts = t.attempts',
      },
      {
        file: 'tasks/leases/take-back.part.sql',
        from: 'attempts = case when t.crashes >= 2 then t.attempts else t.attempts - 1 end',
        to: 'attempts = t.attempts',
      },
    ],
  },
  {
    name: 'dispatch before commit',
    caughtBy: {
      file: 'tasks/accepting/callers-transaction.test.ts',
      name: 'accepting in the caller’s transaction of tasks.transaction dispatches nothing before the commit, and everything at once after it, without the relay',
    },
    patches: [
      {
        file: 'tasks/accepting/acceptor.ts',
        from: '    const answers = tasks.map(',
        to: '    this.dispatcher.push(due);\n    const answers = tasks.map(',
      },
    ],
  },
  {
    name: 'relay off',
    caughtBy: {
      file: 'tasks/dispatching/late-commit.test.ts',
      name: 'a task whose transaction commits late is found although its id is lower than what was seen before when later ones wait in the list',
    },
    patches: [
      {
        file: 'tasks/dispatching/queue-relay.ts',
        from: '  async look(session: Client): Promise<void> {\n',
        to: "  async look(session: Client): Promise<void> {\n    if (this.queue !== '') return;\n",
      },
    ],
  },
  {
    name: 'generation check off',
    caughtBy: {
      file: 'tasks/dispatching/no-overtaking.test.ts',
      name: 'tasks of an overflowing lane do not overtake each other when the lists came back from the past: the relay clears them before it hands over',
    },
    patches: [
      {
        file: 'tasks/dispatching/queue-relay.ts',
        from: 'if (generation !== null && !lost)',
        to: 'if (generation !== null)',
      },
    ],
  },
  {
    name: 'taken back behind all others',
    caughtBy: {
      file: 'tasks/dispatching/put-back.test.ts',
      name: 'ids of tasks that were claimed before come before those that wait, in their order, also while the lane overflows',
    },
    patches: [{ file: 'tasks/dispatching/push.lua', from: "call('lpush', KEYS[2]", to: "call('rpush', KEYS[2]" }],
  },
  {
    name: 'Postgres path off',
    caughtBy: { row: 'R1', says: /^worker-\d stood idle for [\d.]+ s beside a backlog/ },
    patches: [
      {
        file: 'tasks/claiming/taker.ts',
        from: '    this.lastPostgresMs = monotonicMs();\n',
        to: '    this.lastPostgresMs = monotonicMs();\n    if (free > 0) return 0;\n',
      },
    ],
  },
  {
    name: 'effects outside the completing transaction',
    caughtBy: { row: 'P1', says: /^more than one effect/ },
    patches: [
      {
        file: 'tasks/finishing/finisher.ts',
        from: '        await this.transaction(async (tx) => {\n',
        to:
          '        await this.transaction((apart) => effects(apart));\n' +
          // So that a kill finds some tasks between the two.
          '        await new Promise((resolve) => setTimeout(resolve, 500));\n' +
          '        await this.transaction(async (tx) => {\n',
      },
      { file: 'tasks/finishing/finisher.ts', from: '          await effects(tx);\n', to: '' },
    ],
  },
  {
    name: 'lease never expires',
    caughtBy: { row: 'P1', says: /^tasks stay unfinished although a worker is well and idle/ },
    patches: [
      {
        file: 'tasks/leases/reaper.ts',
        from: 'nowMs - before.sinceMs >= leaseMs',
        to: 'nowMs - before.sinceMs >= 1e12',
      },
    ],
  },
  {
    name: 'ticks without the unique constraint',
    caughtBy: {
      file: 'tasks/scheduling/ticks-once.test.ts',
      name: 'each tick is accepted once even if the watermark were lost: (schedule, tick) is unique',
    },
    patches: [
      {
        file: 'tasks/ledger/migrations/0003-features.sql',
        from: ',\n  primary key (schedule, tick_at)\n',
        to: '\n',
      },
    ],
  },
  {
    name: 'fence reset at retry',
    caughtBy: {
      file: 'tasks/finishing/fence.test.ts',
      name: 'when the task was dead, was retried by hand and runs again, its earlier attempt changes nothing by being done',
    },
    patches: [
      {
        file: 'tasks/flows/flows.sql',
        from: '    dead_reason = null, finished_at = null, cancel_requested_at = null, cause_id = null\nfrom verdict\n',
        to: '    dead_reason = null, finished_at = null, cancel_requested_at = null, cause_id = null, fence = 0\nfrom verdict\n',
      },
    ],
  },
  {
    name: 'promotion without the sweep',
    caughtBy: {
      file: 'tasks/flows/lost-wakeups.test.ts',
      name: 'no wake-up is lost when the child’s transaction commits after its parent’s end',
    },
    patches: [
      {
        file: 'tasks/flows/sweep.ts',
        from: 'goesOn ? [] : await settlePage(ask)',
        to: 'goesOn ? [] : []',
      },
    ],
  },
  {
    name: 'limit counted without the lock',
    caughtBy: {
      file: 'tasks/limiting/limited-claims.test.ts',
      name: 'maxRunning holds however many claim at once: counting without a lock would let each start as many',
    },
    patches: [
      {
        file: 'tasks/limiting/limits.sql',
        from: 'select from holdfast.queue where name = $1 for no key update skip locked',
        to: 'select from holdfast.queue where name = $1',
      },
    ],
  },
  {
    name: 'heartbeat without the in-hand set',
    caughtBy: {
      row: 'P14',
      says: /^a task was in the hands of a worker that did not know it/,
    },
    patches: [
      {
        file: 'tasks/leases/lease.sql',
        from: '    and not exists (select from hand h where h.id = t.id and h.fence = t.fence)\n',
        to: '    and false\n',
      },
    ],
  },
];
