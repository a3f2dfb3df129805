import { Client } from 'pg';

/** What the run tells one of its programs. */
export interface Settings {
  /** Of the worker, written beside each effect. */
  readonly name: string;
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly concurrency: number;
  readonly halfMs: number;
  readonly poisonKey: number;
  /** Requests that a producer works on at a time. */
  readonly connections: number;
}

/** Ends this process, as a crash does, when the task is the poison; leaves a row of it. */
export async function dieOf(key: number, { poisonKey, postgresUrl }: Settings): Promise<void> {
  if (key !== poisonKey) return;
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query('insert into death default values');
  process.kill(process.pid, 'SIGKILL');
}

/** Accepts one task; resolves when its caller may be told so. */
export type Accept = (key: number) => Promise<void>;

/** The two ends of one system, in a process of their own each. */
export interface Programs {
  producer(settings: Settings): Accept | Promise<Accept>;
  /** Works until it is stopped. @returns what lets running tasks end and takes no more */
  worker(settings: Settings): Promise<() => Promise<void>>;
}
