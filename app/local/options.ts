import { parseArgs } from 'node:util';
import { PORTS } from '../src/contract';

export interface LocalOptions {
  readonly help: boolean;
  /** Port of the app. */
  readonly port: number;
  /** Port of the web process's metrics. */
  readonly metricsPort: number;
  /** Worker processes, 1 to 16. */
  readonly workers: number;
  /** Drops the kept data before the start. */
  readonly fresh: boolean;
}

export const HELP = `Usage: npm start -- [options]

Runs the whole app on this machine: PostgreSQL, two Redis servers, the web
process, the workers and the scheduler. Ctrl-C stops everything; the data is
kept in .holdfast/.

  --port N          port of the app (default ${PORTS.web})
  --metrics-port N  port of the metrics (default ${PORTS.metrics})
  --workers N       worker processes, 1 to 16 (default 2)
  --fresh           drop the kept data first
  --help            show this text

ADMIN_TOKEN sets the token of the administration routes; without it one is
made and kept in .holdfast/admin-token. NO_COLOR switches colours off.
`;

const FLAGS = ['--port', '--metrics-port', '--workers', '--fresh', '--help'];
const TYPES = {
  port: { type: 'string' },
  'metrics-port': { type: 'string' },
  workers: { type: 'string' },
  fresh: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the command line's words; throws one sentence for what is unknown or out of range. */
export function readOptions(words: readonly string[]): LocalOptions {
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options: TYPES,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!(token.name in TYPES)) throw new Error(`${token.rawName} is not known here; allowed are ${FLAGS.join(', ')}.`);
  }
  const [stray] = positionals;
  if (stray !== undefined) throw new Error(`"${stray}" is not an option; allowed are ${FLAGS.join(', ')}.`);
  const port = wholeNumber('--port', values.port, PORTS.web, 1, 65_535);
  const metricsPort = wholeNumber('--metrics-port', values['metrics-port'], PORTS.metrics, 1, 65_535);
  if (port === metricsPort) {
    throw new Error(`--port and --metrics-port are both ${port}; give them different numbers.`);
  }
  return {
    help: isOn('--help', values.help),
    port,
    metricsPort,
    workers: wholeNumber('--workers', values.workers, 2, 1, 16),
    fresh: isOn('--fresh', values.fresh),
  };
}

type Value = string | boolean | undefined;

function wholeNumber(flag: string, value: Value, byDefault: number, lowest: number, highest: number): number {
  if (value === undefined) return byDefault;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= lowest && number <= highest) return number;
  const given = typeof value === 'string' ? `"${value}"` : 'nothing';
  throw new Error(`${flag} was given ${given}; allowed is a whole number from ${lowest} to ${highest}.`);
}

function isOn(flag: string, value: Value): boolean {
  if (typeof value === 'string')
    throw new Error(`${flag} takes no value and was given "${value}"; write ${flag} alone.`);
  return value ?? false;
}
