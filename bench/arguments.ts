import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  /** Tasks (or whatever the benchmark counts) in one measurement. */
  readonly tasks: number;
  /** Ids of the figures wanted; whatever is measured together with them is shown too. Empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
  /** Folder with another PostgreSQL than the one that comes with the project. */
  readonly postgresBin: string | undefined;
}

export type Request =
  { readonly kind: 'help' } | { readonly kind: 'run'; readonly name: string; readonly options: BenchOptions };

/** The command line asks for something that does not exist; one sentence for the reader. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads the command line.
 * @param names the benchmarks that there are
 * @throws UsageError
 */
export function parseArguments(args: readonly string[], names: readonly string[]): Request {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: 'help' };
  const known = names.map((name) => `"${name}"`).join(', ');
  const [name, ...more] = positionals;
  if (name === undefined) throw new UsageError(`name a benchmark: ${known}; --help shows the options`);
  if (!names.includes(name)) throw new UsageError(`there is no benchmark "${name}"; there is: ${known}`);
  if (more.length > 0) throw new UsageError(`one benchmark at a time; "${more.join(' ')}" is too much`);
  const rounds = wholeNumber('--rounds', values.rounds, 1, 100);
  const tasks = wholeNumber('--tasks', values.tasks, 1_000, 10_000_000);
  const only = values.only?.split(',').map((id) => id.trim()) ?? [];
  const { json, 'postgres-bin': postgresBin } = values;
  return { kind: 'run', name, options: { rounds, tasks, only, json, postgresBin } };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string', default: '3' },
        tasks: { type: 'string', default: '50000' },
        'postgres-bin': { type: 'string' },
      },
    });
  } catch (error) {
    throw usageErrorOf(error);
  }
}

/** What `parseArgs` complains about, in one sentence. */
export function usageErrorOf(error: unknown): UsageError {
  // Node adds advice on positional arguments that does not apply here.
  const sentence = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
  return new UsageError(`${sentence}; --help shows the options`);
}

function wholeNumber(name: string, given: string, min: number, max: number): number {
  const number = Number(given.replaceAll(/[_,]/g, ''));
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UsageError(`${name} is "${given}"; allowed is a whole number from ${min} to ${max}`);
}
