import { ENVIRONMENT, PLATFORM_ENVIRONMENT } from '../contract';
import { mergePasswords } from './passwords';
import type { PasswordVariable } from './passwords';
import { VARIABLES } from './variables';
import type { Variable, VariableValue } from './variables';

/** Exit code for a wrong configuration: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIGURATION = 78;

const LEDGER = ['databaseUrl', 'databasePassword', 'logLevel'] as const;
const QUEUE = ['queueRedisUrl', 'queueRedisPassword', 'heartbeatSeconds', 'leaseSeconds'] as const;
const SERVER = [...LEDGER, 'databasePoolSize', ...QUEUE, 'listenHost', 'metricsPort', 'drainSeconds'] as const;
const MAIL = ['mailUrl', 'mailFrom'] as const;
const REMINDERS = ['reminderTime'] as const;
const LIBRARY = ['libraryName', 'timeZone', 'publicUrl'] as const;

/**
 * The variables that each kind of process reads; it neither needs nor checks the others. All are checked at the start, so
 * that a wrong one fails the deployment.
 */
export const READ_BY = {
  migrate: LEDGER,
  web: [
    ...SERVER,
    ...LIBRARY,
    ...REMINDERS,
    'otlpEndpoint',
    'contactChannels',
    'outboxUrl',
    'port',
    'cacheRedisUrl',
    'cacheRedisPassword',
    'objectsUrl',
    'adminToken',
    'probes',
  ],
  worker: [
    ...SERVER,
    ...LIBRARY,
    ...REMINDERS,
    ...MAIL,
    'otlpEndpoint',
    'smsUrl',
    'objectsUrl',
    'workerKind',
    'workerQueues',
    'workerConcurrency',
    'scaleInProtection',
    'probeReceiverUrl',
  ],
  scheduler: [...SERVER, 'workerKinds', 'metricsNamespace', 'newsFeeds', 'newsSeconds'],
} as const satisfies Record<string, readonly (Variable & keyof typeof ENVIRONMENT)[]>;

/** What it reads besides, of the variables that the platform sets. */
const READ_FROM_PLATFORM = {
  migrate: [],
  web: [],
  worker: ['ecsAgentUri', 'ecsMetadataUri'],
  scheduler: [],
} as const satisfies Record<keyof typeof READ_BY, readonly (Variable & keyof typeof PLATFORM_ENVIRONMENT)[]>;

export type ProcessKind = keyof typeof READ_BY;
type ReadBy<Kind extends ProcessKind> = (typeof READ_BY)[Kind][number] | (typeof READ_FROM_PLATFORM)[Kind][number];
/** What a process reads; passwords are part of their addresses, whichever variable they came in. */
export type Configuration<Kind extends ProcessKind> = {
  readonly [V in Exclude<ReadBy<Kind>, PasswordVariable>]: VariableValue<V>;
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
  for (const variable of [...READ_BY[kind], ...READ_FROM_PLATFORM[kind]]) {
    const name = variableName(variable);
    const text = environment[name]?.trim();
    const result = VARIABLES[variable].safeParse(text === '' ? undefined : text);
    if (result.success) values.set(variable, result.data);
    else mistakes.push(...result.error.issues.map((issue) => `${name} ${issue.message}.`));
  }
  mistakes.push(...mergePasswords(values), ...leaseMistakes(values), ...companionMistakes(values));
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  return Object.fromEntries(values) as Configuration<Kind>;
}

function variableName(variable: Variable): string {
  if (variable === 'ecsAgentUri' || variable === 'ecsMetadataUri') return PLATFORM_ENVIRONMENT[variable];
  return ENVIRONMENT[variable];
}

/** Variables that say nothing without another. */
function companionMistakes(values: ReadonlyMap<Variable, unknown>): string[] {
  const companions = [
    ['mailUrl', 'mailFrom'],
    ['mailFrom', 'mailUrl'],
    ['metricsNamespace', 'workerKinds'],
  ] as const;
  const gateway = values.get('smsUrl') as VariableValue<'smsUrl'>;
  const senderless = gateway?.kind === 'smtp' && values.get('mailFrom') === undefined;
  const mistakes = companions
    .filter(([given, missing]) => values.get(given) !== undefined && values.has(missing))
    .filter(([, missing]) => values.get(missing) === undefined)
    .map(
      ([given, missing]) =>
        `${ENVIRONMENT[missing]} is not set although ${ENVIRONMENT[given]} is; set both, or neither.`,
    );
  if (!senderless) return mistakes;
  return [
    ...mistakes,
    `${ENVIRONMENT.mailFrom} is not set although ${ENVIRONMENT.smsUrl} is a gateway for mail; set it.`,
  ];
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
