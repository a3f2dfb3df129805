import { parseArgs } from 'node:util';
import { PORTS } from '../../src/contract';

export interface DockerOptions {
  readonly help: boolean;
  /** Port of nginx on 127.0.0.1. */
  readonly port: number;
  /** Drops the kept data before the start. */
  readonly fresh: boolean;
  /** Removes the containers and starts nothing. */
  readonly down: boolean;
}

export const HELP = `Usage: npm run start:docker -- [options]

Runs the image that is deployed in containers: nginx in front of two web
containers, two workers, the scheduler, PostgreSQL, two Valkey servers and a
catcher of mail. Needs Docker with Compose 2, or docker-compose 1.29. Ctrl-C
stops everything; the data is kept in volumes, secrets in .holdfast-docker/.

  --port N   port of nginx on 127.0.0.1 (default ${PORTS.web})
  --fresh    drop the kept data first
  --down     remove containers and network, keep the data, start nothing
  --help     show this text

ADMIN_TOKEN sets the token of the administration routes; without it one is
made and kept. DRAIN_SECONDS sets how long processes may finish their work at
a stop (default 20). NO_COLOR switches colours off.
`;

const FLAGS = ['--port', '--fresh', '--down', '--help'];
const TYPES = {
  port: { type: 'string', default: String(PORTS.web) },
  fresh: { type: 'boolean', default: false },
  down: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the command line's words; throws one sentence for what is unknown or out of range. */
export function readDockerOptions(words: readonly string[]): DockerOptions {
  const known = words.every((word) => /^(--port(=.*)?|--fresh|--down|--help|-h|[^-].*)$/.test(word));
  if (!known) {
    const stray = words.find((word) => word.startsWith('-') && !FLAGS.includes(word));
    throw new Error(`${stray ?? ''} is not known here; allowed are ${FLAGS.join(', ')}.`);
  }
  const given = words.join(' ');
  try {
    const { values } = parseArgs({ args: [...words], options: TYPES, strict: true });
    return { ...values, port: portNumber(values.port) };
  } catch (error) {
    if (error instanceof Error && !('code' in error)) throw error;
    throw new Error(`"${given}" cannot be read; allowed are ${FLAGS.join(', ')}, and only --port takes a value.`, {
      cause: error,
    });
  }
}

function portNumber(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new Error(`--port was given "${value}"; allowed is a whole number from 1 to 65535.`);
}
