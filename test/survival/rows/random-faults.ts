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
  /**
   * What it leaves of the database to the process that it befalls, or to all when it befalls PostgreSQL: `gone`, nobody can
   * do anything; `shaky`, some calls fail and the next ones do not.
   */
  readonly database: 'there' | 'shaky' | 'gone';
  begin(): Promise<unknown>;
  heal(): Promise<unknown>;
}

type Kind = Omit<RandomFault, 'on'>;

const THERE = { database: 'there' } as const;
const SHAKY = { database: 'shaky' } as const;
const GONE = { database: 'gone' } as const;

/** What may befall whom at this moment: the faults of processes, of their network, of Redis and of PostgreSQL. */
export function randomFaults(system: System, random: () => number): RandomFault[] {
  return [
    ...system.processes.flatMap((process) => {
      const { queue, postgres } = system.links(process);
      const network = [
        ...networkFaults('queue', queue, random, { silent: THERE, disturbed: THERE }),
        ...networkFaults('postgres', postgres, random, { silent: GONE, disturbed: SHAKY }),
      ];
      return [...endings(process), ...network].map((kind) => ({ ...kind, on: process.name }));
    }),
    ...redisFaults(system, random).map((kind) => ({ ...kind, on: REDIS })),
    ...databaseFaults(system).map((kind) => ({ ...kind, on: POSTGRES })),
  ];
}

function endings(process: AppProcess): Kind[] {
  const kind = process.name.replace(/-\d$/, '');
  const again = (): Promise<void> => process.start();
  return [
    { ...THERE, name: `${kind} killed`, begin: () => process.kill(), heal: again },
    { ...THERE, name: `${kind} terminated`, begin: () => process.terminate(), heal: again },
    { ...THERE, name: `${kind} frozen`, begin: () => process.freeze(), heal: now(() => process.thaw()) },
  ];
}

function networkFaults(
  server: string,
  link: Link,
  random: () => number,
  leaves: Readonly<Record<'silent' | 'disturbed', Pick<Kind, 'database'>>>,
): Kind[] {
  const heal = now(() => link.heal());
  return [
    { ...leaves.silent, name: `${server} unheard of`, begin: now(() => link.drop()), heal },
    { ...leaves.disturbed, name: `${server} slow`, begin: now(() => link.slow(100, 100)), heal },
    { ...leaves.disturbed, name: `${server} reset`, begin: now(() => link.cutSome(0.5, random)), heal: nothing },
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
    { ...THERE, name: 'Redis emptied', begin: () => system.redis.flushall(), heal: nothing },
    { ...THERE, name: 'Redis killed', begin: () => queue.kill(), heal: restart },
    { ...THERE, name: 'Redis frozen', begin: () => freeze(system), heal: () => thaw(system) },
    {
      ...THERE,
      name: 'Redis back from a snapshot',
      begin: async () => {
        const back = await killedAfterSave(system, () => sleep(SNAPSHOT_AGE_MS));
        bringBack = () => back().then(() => answersAgain(system));
      },
      heal: () => bringBack(),
    },
    {
      ...THERE,
      name: 'Redis failed over to a copy',
      begin: () => failOverToCopy(system),
      heal: () => answersAgain(system),
    },
    {
      ...THERE,
      name: 'Redis full',
      begin: () => system.redis.config('SET', 'maxmemory', '1'),
      heal: () => system.redis.config('SET', 'maxmemory', '256mb'),
    },
    { ...THERE, name: 'Redis lost a part', begin: () => mangle(random, system, mangled), heal: nothing },
  ];
}

function databaseFaults(system: System): Kind[] {
  const { postgres } = system.servers;
  const taken: Client[] = [];
  return [
    { ...GONE, name: 'Postgres restarted', begin: () => postgres.restart(), heal: nothing },
    { ...GONE, name: 'Postgres killed', begin: () => postgres.kill(), heal: () => postgres.restart() },
    { ...GONE, name: 'Postgres failed over', begin: () => system.failOverPostgres(), heal: nothing },
    {
      ...GONE,
      name: 'Postgres without connections',
      begin: () => takeAllConnections(system, taken),
      heal: () => Promise.all(taken.map((client) => client.end())),
    },
    { ...GONE, ...statements(system, 'Postgres disk full', '53100', 1) },
    { ...SHAKY, ...statements(system, 'deadlocks', '40P01', FEW) },
    { ...SHAKY, ...statements(system, 'failed serialisations', '40001', FEW) },
  ];
}

function statements(system: System, name: string, code: string, share: number): Omit<Kind, 'database'> {
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
