import type { Pool } from 'pg';
import type { SoakProcess } from './child';

export interface Sample {
  readonly minute: number;
  /** MiB with indexes, by table of the ledger. */
  readonly tables: Readonly<Record<string, number>>;
  /** MiB of resident memory, by process that has run since the beginning. */
  readonly memory: Readonly<Record<string, number>>;
  /** Tasks that are not finished, without those of the schedule, which goes on. */
  readonly unfinished: number;
}

const SIZES = `
  select c.relname as table, pg_total_relation_size(c.oid) / 1048576.0 as mib
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'holdfast' and c.relkind = 'r'`;

export async function takeSample(pool: Pool, processes: readonly SoakProcess[], minute: number): Promise<Sample> {
  const sizes = (await pool.query<{ table: string; mib: string }>(SIZES)).rows;
  const [waiting] = (
    await pool.query<{ count: number }>(
      `select count(*)::int from holdfast.task where finished_at is null and name <> 'soak.tick'`,
    )
  ).rows;
  const lasting = processes.filter(({ starts }) => starts === 1);
  return {
    minute,
    tables: Object.fromEntries(sizes.map(({ table, mib }) => [table, Number(mib)])),
    memory: Object.fromEntries(lasting.map((process) => [process.name, process.memoryMiB() ?? 0])),
    unfinished: waiting?.count ?? 0,
  };
}

/** Grown by more than this from the second to the last quarter of the run is not flat. */
const MOST_GROWTH = 1.35;
/** Below these, growth says nothing. */
const SMALL_TABLE_MIB = 8;
const SMALL_MEMORY_MIB = 30;

/** Which tables or processes grew although as much went as came. The first quarter is for getting warm. */
export function grown(samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const found: string[] = [];
  for (const table of Object.keys(late[0]?.tables ?? {})) {
    const [before, after] = [early, late].map((some) => largest(some.map(({ tables }) => tables[table] ?? 0)));
    if (grew(before, after, SMALL_TABLE_MIB)) found.push(`table ${table} grew from ${mib(before)} to ${mib(after)}`);
  }
  for (const name of Object.keys(late.at(-1)?.memory ?? {})) {
    const [before, after] = [early, late].map((some) => middle(some.map(({ memory }) => memory[name] ?? 0)));
    if (grew(before, after, SMALL_MEMORY_MIB))
      found.push(`memory of ${name} grew from ${mib(before)} to ${mib(after)}`);
  }
  return found;
}

function grew(before = 0, after = 0, small: number): boolean {
  return after > before * MOST_GROWTH && after - before > small;
}

function largest(values: readonly number[]): number {
  return Math.max(0, ...values);
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function mib(value = 0): string {
  return `${value.toFixed(1)} MiB`;
}
