/*
 * What every system is given to do, the same for all. Far below what any of them can do: this measures what becomes of
 * tasks, not how fast they are.
 */

/** Tasks that one worker runs at a time; there are two workers. */
export const CONCURRENCY = 8;
/** A task works so long, writes its one row, and works so long again before it is done. */
export const HALF_MS = 50;
/** Requests a second from the beginning to the end, of which each brings one task. A quarter of what the workers can do. */
export const RATE = 40;
/** On top of it, at once, before the fault: so many that the fault finds a backlog. */
export const BURST = 400;
/** Requests that one producer works on at a time. */
export const PRODUCER_CONNECTIONS = 10;

/** A task with this key kills what runs it, each time. No caller's request has it. */
export const POISON_KEY = 0;

/** In each trial's own database. Neither key of an effect is unique on purpose: a second one is seen. */
export const SCHEMA = `
  create table request (key int primary key);
  create table effect (key int not null, worker text not null, at timestamptz not null default clock_timestamp());
  create table death (at timestamptz not null default clock_timestamp())`;

/** How the programs of all languages are told. */
export function environmentOf(addresses: Addresses, name: string): Readonly<Record<string, string>> {
  return {
    PEER_NAME: name,
    PEER_POSTGRES_URL: addresses.postgresUrl,
    PEER_REDIS_URL: addresses.redisUrl,
    PEER_CONCURRENCY: String(CONCURRENCY),
    PEER_HALF_MS: String(HALF_MS),
    PEER_POISON_KEY: String(POISON_KEY),
    PEER_PRODUCER_CONNECTIONS: String(PRODUCER_CONNECTIONS),
    // Leaves nothing beside the sources.
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

export interface Addresses {
  readonly postgresUrl: string;
  /** Leads to whatever is the primary. */
  readonly redisUrl: string;
}
