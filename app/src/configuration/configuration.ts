import { ENVIRONMENT } from '../contract';
import { VARIABLES } from './variables';
import type { Variable, VariableValue } from './variables';

/** Exit code for a wrong configuration: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIGURATION = 78;

const LEDGER = ['databaseUrl', 'logLevel'] as const;
const ENGINE = [...LEDGER, 'databasePoolSize', 'queueRedisUrl', 'heartbeatSeconds', 'leaseSeconds'] as const;
const SERVER = [...ENGINE, 'listenHost', 'metricsPort', 'drainSeconds'] as const;

/** The variables that each kind of process reads; it neither needs nor checks the others. */
const READ_BY = {
  migrate: LEDGER,
  web: [...SERVER, 'port', 'objectsFolder', 'adminToken', 'probes'],
  worker: [...SERVER, 'objectsFolder', 'workerQueues', 'workerConcurrency'],
  scheduler: SERVER,
} as const satisfies Record<string, readonly Variable[]>;

export type ProcessKind = keyof typeof READ_BY;
export type Configuration<Kind extends ProcessKind> = {
  readonly [V in (typeof READ_BY)[Kind][number]]: VariableValue<V>;
};

/** Everything that is wrong with the environment, one sentence a mistake, without any secret's value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join('\n'));
  }
}

/**
 * Reads what this kind of process needs from the environment. An empty variable counts as unset.
 * @throws ConfigurationError with all mistakes at once.
 */
export function readConfiguration<Kind extends ProcessKind>(
  kind: Kind,
  environment: Readonly<Record<string, string | undefined>>,
): Configuration<Kind> {
  const mistakes: string[] = [];
  const values = new Map<Variable, unknown>();
  for (const variable of READ_BY[kind]) {
    const name = variableName(variable);
    const text = environment[name]?.trim();
    const result = VARIABLES[variable].safeParse(text === '' ? undefined : text);
    if (result.success) values.set(variable, result.data);
    else mistakes.push(...result.error.issues.map((issue) => `${name} ${issue.message}.`));
  }
  mistakes.push(...leaseMistakes(values));
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  return Object.fromEntries(values) as Configuration<Kind>;
}

function variableName(variable: Variable): string {
  return variable === 'objectsFolder' ? ENVIRONMENT.objectsUrl : ENVIRONMENT[variable];
}

/** One lost heartbeat must not cost a lease, so two have to fit into it. */
function leaseMistakes(values: ReadonlyMap<Variable, unknown>): string[] {
  const heartbeat = values.get('heartbeatSeconds');
  const lease = values.get('leaseSeconds');
  if (typeof heartbeat !== 'number' || typeof lease !== 'number' || lease >= 2 * heartbeat) return [];
  return [
    `${ENVIRONMENT.leaseSeconds} is ${lease} with ${ENVIRONMENT.heartbeatSeconds} ${heartbeat}; allowed is at least two heartbeats, ${2 * heartbeat}.`,
  ];
}
