import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { UsageError, usageErrorOf } from '../arguments';
import { FAULTS } from './faults';

export interface Options {
  /** Ids of faults; all when empty. */
  readonly only: readonly string[];
  /** Trials at the same time. */
  readonly atOnce: number;
  /** How often each trial is made. */
  readonly rounds: number;
  readonly json: boolean;
  readonly write: boolean;
}

const MOST_AT_ONCE = 8;
const MOST_ROUNDS = 20;
/** A trial keeps about two cores busy at its peaks: more at once, and the faults would meet an overloaded machine. */
const AT_ONCE = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(availableParallelism() / 2)));

export const HELP = `Usage: npm run bench:peers -- [options] [FAULT...]

Brings the same faults over Holdfast, stock BullMQ and stock Celery under the
same load and counts what became of every task that a caller was told of. Takes
some thirty minutes on two cores; FAULT is one or more of
${FAULTS.map(({ id, title }) => `  ${id.padEnd(11)}${title}`).join('\n')}

Options
  --at-once N  trials at the same time, each on servers of its own 
               (half the cores: ${AT_ONCE})
  --rounds N   makes each trial so often, and adds up (1)
  --write      writes the report to docs/evidence
  --json       prints the report for programs
  --help       this text

Celery needs Python 3.10 to 3.14; without it, Celery is left out, and the report
says so.

Exit codes: 0 measured, 1 something was not, or Holdfast lost, failed or
repeated a task, 2 wrong usage, 130 interrupted.`;

/** @throws UsageError */
export function parseArguments(args: readonly string[]): Options | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const ids = FAULTS.map(({ id }) => id);
  const only = positionals.map((given) => {
    const id = ids.find((each) => each.toLowerCase() === given.toLowerCase());
    if (id === undefined) throw new UsageError(`there is no fault "${given}"; there is: ${ids.join(', ')}`);
    return id;
  });
  return {
    only,
    atOnce: whole('--at-once', values['at-once'], MOST_AT_ONCE),
    rounds: whole('--rounds', values.rounds, MOST_ROUNDS),
    json: values.json,
    write: values.write,
  };
}

function whole(name: string, given: string, most: number): number {
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`${name} is "${given}"; allowed is a whole number from 1 to ${most}`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'at-once': { type: 'string', default: String(AT_ONCE) },
        rounds: { type: 'string', default: '1' },
        write: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw usageErrorOf(error);
  }
}
