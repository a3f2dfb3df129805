import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { AppProcess } from '../system/app-process';
import { fault as statementFault } from '../system/database-faults';
import type { Link } from '../system/link';
import type { System } from '../system/system';
import { takeAllConnections } from './database';
import { freeze, thaw } from './redis';
import { answersAgain } from './redis-lists';
import { failOverToCopy, killedAfterSave } from './redis-moves';
import { mangle } from './redis-partly';

/** How old a snapshot is when it comes back. */
const SNAPSHOT_AGE_MS = 1_000;
/** Of the statements that write, when only some fail. */
const FEW = 0.02;
const REDIS = 'Redis';
export const POSTGRES = 'Postgres';

/** Something that goes wrong and is put right again after a while. */
export interface RandomFault {
  readonly name: string;
  /** What it befalls; nothing else befalls that at the same time. */
  readonly on: string;
  /** Whether a process may be unable to do anything for want of the database: this one, or all when it befalls that. */
  readonly takesDatabase: boolean;
  begin(): Promise<unknown>;
  heal(): Promise<unknown>;
}

type Kind = Omit<RandomFault, 'on' | 'takesDatabase'>;

/** What may befall whom at this moment: the faults of processes, of their network, of Redis and of PostgreSQL. */
export function randomFaults(system: System, random: () => number): RandomFault[] {
  return [
    ...system.processes.flatMap((process) => {
      const on = process.name;
      const { queue, postgres } = system.links(process);
      return [
        ...[...endings(process), ...network('queue', queue, random)].map((kind) => ({
          ...kind,
          on,
          takesDatabase: false,
        })),
        ...network('postgres', postgres, random).map((kind) => ({ ...kind, on, takesDatabase: true })),
      ];
    }),
    ...redisFaults(system, random).map((kind) => ({ ...kind, on: REDIS, takesDatabase: false })),
    ...databaseFaults(system).map((kind) => ({ ...kind, on: POSTGRES, takesDatabase: true })),
  ];
}

function endings(process: AppProcess): Kind[] {
  const kind = process.name.replace(/-\d$/, '');
  const again = (): Promise<void> => process.start();
  return [
    { name: `${kind} killed`, begin: () => process.kill(), heal: again },
    { name: `${kind} terminated`, begin: () => process.terminate(), heal: again },
    { name: `${kind} frozen`, begin: () => process.freeze(), heal: now(() => process.thaw()) },
  ];
}

function network(server: string, link: Link, random: () => number): Kind[] {
  const heal = now(() => link.heal());
  return [
    { name: `${server} unheard of`, begin: now(() => link.drop()), heal },
    { name: `${server} slow`, begin: now(() => link.slow(100, 100)), heal },
    { name: `${server} reset`, begin: now(() => link.cutSome(0.5, random)), heal: nothing },
  ];
}

function redisFaults(system: System, random: () => number): Kind[] {
  const { queue } = system.servers;
  const restart = async (): Promise<void> => {
    await queue.restart();
    await answersAgain(system);
  };
  let bringBack = restart;
  const mangled = { deleted: 0, renamed: 0, duplicated: 0, invented: 0 };
  return [
    { name: 'Redis emptied', begin: () => system.redis.flushall(), heal: nothing },
    { name: 'Redis killed', begin: () => queue.kill(), heal: restart },
    { name: 'Redis frozen', begin: () => freeze(system), heal: () => thaw(system) },
    {
      name: 'Redis back from a snapshot',
      begin: async () => {
        const back = await killedAfterSave(system, () => sleep(SNAPSHOT_AGE_MS));
        bringBack = () => back().then(() => answersAgain(system));
      },
      heal: () => bringBack(),
    },
    { name: 'Redis failed over to a copy', begin: () => failOverToCopy(system), heal: () => answersAgain(system) },
    {
      name: 'Redis full',
      begin: () => system.redis.config('SET', 'maxmemory', '1'),
      heal: () => system.redis.config('SET', 'maxmemory', '256mb'),
    },
    { name: 'Redis lost a part', begin: () => mangle(random, system, mangled), heal: nothing },
  ];
}

function databaseFaults(system: System): Kind[] {
  const { postgres } = system.servers;
  const taken: Client[] = [];
  return [
    { name: 'Postgres restarted', begin: () => postgres.restart(), heal: nothing },
    { name: 'Postgres killed', begin: () => postgres.kill(), heal: () => postgres.restart() },
    { name: 'Postgres failed over', begin: () => system.failOverPostgres(), heal: nothing },
    {
      name: 'Postgres without connections',
      begin: () => takeAllConnections(system, taken),
      heal: () => Promise.all(taken.map((client) => client.end())),
    },
    statements(system, 'Postgres disk full', '53100', 1),
    statements(system, 'deadlocks', '40P01', FEW),
    statements(system, 'failed serialisations', '40001', FEW),
  ];
}

function statements(system: System, name: string, code: string, share: number): Kind {
  const failing = statementFault(system.ledger, { code, share });
  return { name, begin: () => failing.begin(), heal: () => failing.end() };
}

function now(act: () => void): () => Promise<void> {
  return () => {
    act();
    return nothing();
  };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
