import { Client } from 'pg';
import { settlesWithin, waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { fault } from '../system/database-faults';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Disturbance, Trial } from '../trial';
import { KEYED, keyedOnce } from './keyed';
import { LEASE_SECONDS } from './workers';

const AWAY_SECONDS = 5;
/** Within which everybody is back at the new address. */
const FAILOVER_SECONDS = 20;
const REFUSED_SECONDS = 10;
/** Longer than the engine waits for room before it puts a task off. */
const EFFECTS_REFUSED_SECONDS = 30;
/** Requests whose COMMIT is cut from its answer. */
const CUTS = 20;
/** The answer to a request comes after the cut. */
const CUT_SECONDS = 1;

/** While the database is away callers are told so, and nobody works. */
const AWAY = { ledgerGone: true, standstill: true, answers: ['503'] } as const;

/** Faults of PostgreSQL, which has the only copy of what was accepted. */
export const databaseRows: readonly Row[] = [
  {
    id: 'D1',
    fault: 'Postgres restart',
    mustHold: 'web answers 503 with Retry-After while it lasts, nothing acknowledged is lost',
    run: (trial, system) => away(trial, system, AWAY_SECONDS, { begin: () => system.servers.postgres.stop() }),
  },
  {
    id: 'D2',
    fault: 'Postgres SIGKILL (crash recovery)',
    mustHold: 'web answers 503 with Retry-After while it lasts, nothing acknowledged is lost',
    run: (trial, system) => away(trial, system, AWAY_SECONDS, { begin: () => system.servers.postgres.kill() }),
  },
  {
    id: 'D3',
    fault: 'connection cut after COMMIT was sent and before its answer',
    mustHold: 'caller retries with the same requestKey: one task',
    run: async (trial, system) => {
      const told = new Map<string, readonly string[]>();
      let cuts = 0;
      let caller: Load | undefined;
      await trial.disturb({
        begin: async (load) => {
          const { postgres } = system.links(system.webs[0]!);
          for (let i = 0; i < CUTS; i += 1) {
            const key = `cut-${i}.`;
            const cut = postgres.loseAnswerTo('commit\0', key);
            told.set(key, await trial.postUntilAnswered(load, KEYED, key));
            if (await settlesWithin(cut, CUT_SECONDS)) cuts += 1;
          }
          caller = load;
        },
        last: async () => {
          for (const [key, ids] of told) await sameAgain(trial, caller!, key, ids);
        },
        answers: ['503'],
      });
      trial.check(cuts === CUTS, `${cuts} answers to the COMMIT of ${CUTS} requests were lost`);
      await keyedOnce(trial, system, [...told.values()].flat(), KEYED.count * CUTS);
      trial.note(`${cuts} answers to COMMIT were lost, and each request was repeated under its key`);
    },
  },
  {
    id: 'D4',
    fault: 'failover to another address, the old one silent',
    mustHold: 'reconnects in < 20 s',
    run: (trial, system) =>
      trial.disturb({
        ...AWAY,
        standstill: false,
        mostIdleSeconds: FAILOVER_SECONDS,
        begin: () => system.failOverPostgres(),
        recoverySeconds: FAILOVER_SECONDS,
        recoveryFrom: 'fault',
      }),
  },
  {
    id: 'D5',
    fault: 'no connections left',
    mustHold: '503, recovers',
    run: async (trial, system) => {
      const taken: Client[] = [];
      await trial.disturb({
        ...AWAY,
        begin: async () => {
          await takeAllConnections(system, taken);
        },
        last: async (fromMs) => {
          await trial.lasts(REFUSED_SECONDS, fromMs, () => takeConnections(system, taken));
          await answers503(trial, system);
          trial.note(`${taken.length} connections were taken away`);
        },
        heal: async () => {
          await Promise.all(taken.map((client) => client.end()));
        },
      });
    },
  },
  {
    id: 'D6',
    fault: 'disk full (statement errors)',
    mustHold: '503, nothing acknowledged is lost, recovers',
    simulated: 'a trigger that raises the error of a full disk',
    run: async (trial, system) => {
      const full = fault(system.ledger, { code: '53100', share: 1 });
      await trial.disturb({
        answers: ['503'],
        standstill: true,
        begin: () => full.begin(),
        last: async (fromMs) => {
          await trial.lasts(REFUSED_SECONDS, fromMs);
          await answers503(trial, system);
        },
        heal: () => full.end(),
      });
      // There is room for the ledger's rows, and none for what tasks write.
      const effects = fault(system.ledger, { code: '53100', share: 1, tables: ['app.probe_effect'] });
      await trial.disturb({
        goesOn: ['accepting'],
        standstill: true,
        begin: () => effects.begin(),
        last: (fromMs) => trial.lasts(EFFECTS_REFUSED_SECONDS, fromMs),
        heal: () => effects.end(),
      });
      await nobodyBlamed(trial, system);
      trial.note(`${await effects.raised()} statements failed`);
    },
  },
  {
    id: 'D8',
    fault: 'Postgres away longer than the lease, all workers alive',
    mustHold: 'nobody is reaped for it',
    run: async (trial, system) => {
      const registrations = await registered(system);
      await away(trial, system, LEASE_SECONDS + AWAY_SECONDS, { begin: () => system.servers.postgres.kill() });
      const expired = await system.ledger.rows<{ id: string }>(
        'select id from holdfast.worker where id = any ($1::uuid[]) and expired_at is not null',
        [registrations],
      );
      trial.check(expired.length === 0, `${expired.length} workers were expired by the others`);
      trial.check((await registered(system)).join() === registrations.join(), 'workers registered anew');
    },
  },
];

/** A full disk is no task's fault, and no worker's. */
async function nobodyBlamed(trial: Trial, system: System): Promise<void> {
  const [blamed] = await system.ledger.rows<{ tasks: number; workers: number }>(
    `select (select count(*) from holdfast.task where attempts > 1)::int as tasks,
            (select count(*) from holdfast.worker where hung_at is not null)::int as workers`,
  );
  trial.check(blamed!.tasks === 0, `${blamed!.tasks} tasks lost an attempt`);
  trial.check(blamed!.workers === 0, `${blamed!.workers} workers were told to go`);
}

/** PostgreSQL is away for a while, and every caller is told so. */
async function away(
  trial: Trial,
  system: System,
  seconds: number,
  { begin }: Pick<Disturbance, 'begin'>,
): Promise<void> {
  await trial.disturb({
    ...AWAY,
    begin,
    last: async (fromMs) => {
      await answers503(trial, system);
      await trial.lasts(seconds, fromMs);
    },
    heal: () => system.servers.postgres.restart(),
  });
}

async function answers503(trial: Trial, system: System): Promise<void> {
  const { status, retryAfter } = await system.client.post('/api/probes', { count: 1 });
  trial.check(
    status === 503 && Number(retryAfter) > 0,
    `web answered ${status} with Retry-After ${retryAfter ?? 'missing'}`,
  );
}

/** Ends every connection of others and takes all there are. @param taken where they go, to be ended */
export async function takeAllConnections(system: System, taken: Client[]): Promise<void> {
  const own = await connect(system);
  taken.push(own);
  // Who reconnects first gets what was freed, so this takes a few rounds.
  while ((await endOthers(own)) > 0) await takeConnections(system, taken);
}

async function connect(system: System): Promise<Client> {
  const client = new Client({ connectionString: system.servers.postgres.url, application_name: 'fault test' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Takes every connection that PostgreSQL still gives. */
async function takeConnections(system: System, taken: Client[]): Promise<void> {
  for (;;) {
    const client = await connect(system).catch(() => undefined);
    if (client === undefined) return;
    taken.push(client);
  }
}

/** Whoever does not know whether the answer was for good asks once more, and is told the same. */
async function sameAgain(trial: Trial, load: Load, key: string, ids: readonly string[]): Promise<void> {
  const again = await waitUntil(
    `the request under the key ${key} is answered 202 again`,
    async () => {
      const { status, taskIds } = await load.ask(KEYED, { 'idempotency-key': key });
      return status === 202 && taskIds;
    },
    { limitSeconds: 30, everyMilliseconds: 50 },
  );
  trial.check(again.join() === ids.join(), `under ${key} ${ids.join()} were acknowledged first, then ${again.join()}`);
}

/** @returns how many connections of others were there to be ended */
async function endOthers(own: Client): Promise<number> {
  const ended = await own.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name <> 'fault test' and backend_type = 'client backend'`,
  );
  return ended.rows.length;
}

async function registered(system: System): Promise<string[]> {
  return waitUntil(
    'every worker is registered',
    () => Promise.all(system.workers.map((each) => system.registrationOf(each))),
    {
      limitSeconds: LEASE_SECONDS,
    },
  );
}
