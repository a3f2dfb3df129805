import { z } from 'zod';
import { ConfigurationError } from './configuration-error';
import { alarms, budgetUsdPerMonth, database, fleet, network, redis, tls } from './infrastructure';
import { PRESETS, PROCESS_DEFAULTS } from './presets';
import type { PresetName } from './presets';
import { image, migrationProcess, schedulerProcess, webProcess, workerProcess } from './processes';
import { NAME, NAME_RULE, choice, flag, isObject, list, named, record, text, wholeNumber } from './values';

const stageShape = {
  /** Name of the app; with the stage it names the stacks and what they hold. */
  name: text(NAME, NAME_RULE),
  /** What decides checks and metrics: the engine of app/src/tasks, Celery, or another on the same Redis. */
  taskEngine: choice('holdfast', 'celery', 'custom').default('holdfast'),
  /** The image of all processes that have none of their own. */
  image,
  web: webProcess,
  workers: named(NAME, NAME_RULE, workerProcess),
  /** The one scheduler. @default - none */
  scheduler: schedulerProcess.optional(),
  /** Runs before the services of a new version start. @default - none */
  migration: migrationProcess.optional(),
  /** With taskEngine 'celery': seconds after which Redis hands an unacknowledged task out again. */
  celery: record({ visibilityTimeoutSeconds: wholeNumber(30, 86_400, 'seconds').default(3_600) }).prefault({}),
  /** AWS account. @default - that of the credentials */
  account: text(/^\d{12}$/, 'an AWS account of 12 digits').optional(),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, "an AWS region such as 'us-east-1'"),
  tls: tls.optional(),
  network,
  fleet,
  database,
  redis,
  /** Sender of mail through Amazon SES: an address whose domain is verified there. @default - no mail */
  mail: record({
    from: text(/^[^\n]*[^\s<>@]+@[^\s<>@]+>?$/, "an address such as 'Library <post@example.org>'"),
  }).optional(),
  /** Lets anyone with the administration token accept tasks that only prove that tasks are done. */
  probes: flag().default(false),
  /** Address ranges that may reach the load balancer. */
  allowedCidrs: list(
    text(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, "an IPv4 range such as '203.0.113.0/24'"),
    'a list of IPv4 ranges',
    1,
  ).default(['0.0.0.0/0']),
  alarms,
  dashboard: flag(),
  logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], {
    error: 'must be a retention that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, … days',
  }),
  /** What remains of database, queue and uploads when the stack is deleted: a final snapshot, or all of it. */
  keepDataOnDelete: choice('snapshot', 'retain'),
  /** The synth fails when the estimate exceeds this. @default - no limit */
  budgetUsdPerMonth: budgetUsdPerMonth.optional(),
  tags: named(
    /^[\w .:/=+@-]{1,128}$/,
    '1 to 128 letters, digits, spaces and _.:/=+@-',
    text(/^.{0,256}$/, 'text of at most 256 characters'),
  ).default({}),
  /** Warnings that you accept: the warning's id and why. */
  acknowledge: named(/^.+$/, "a warning's id", text(/^.{10,}$/s, 'a reason of at least 10 characters')).default({}),
};

const stageSchema = record(stageShape);

/** One stage's configuration, complete: every default is filled in and every value checked. */
export type StageConfiguration = z.output<typeof stageSchema> & { readonly stage: string };
export type WebConfiguration = StageConfiguration['web'];
export type WorkerConfiguration = StageConfiguration['workers'][string];
export type SchedulerConfiguration = NonNullable<StageConfiguration['scheduler']>;
export type MigrationConfiguration = NonNullable<StageConfiguration['migration']>;
export type ProcessConfiguration = WebConfiguration | WorkerConfiguration | SchedulerConfiguration;

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;
type StageInput = z.input<typeof stageSchema>;

/** What a stage changes; arrays replace, objects are merged key by key. */
export type StageOverrides = DeepPartial<StageInput> & {
  /** The preset to start from. @default - the preset of the stage's own name, else `production` */
  readonly like?: PresetName;
};

/** What stands in holdfast.config.ts: everything common, and the stages. */
export type Configuration = DeepPartial<Omit<StageInput, 'account' | 'region'>> & {
  readonly name: string;
  readonly stages: Readonly<Record<string, StageOverrides>>;
};

/** Gives the configuration its type; checks happen when a stage is resolved. */
export function defineConfiguration(configuration: Configuration): Configuration {
  return configuration;
}

/**
 * Fills in a stage's defaults and checks its values one by one; rules between values are checked by checkStage.
 * @throws ConfigurationError with all mistakes at once, also when there is no such stage.
 */
export function resolveStage(configuration: Configuration, stage: string): StageConfiguration {
  const { stages, ...common } = configuration;
  if (!isObject(stages) || Object.keys(stages).length === 0) {
    throw new ConfigurationError(['stages is missing or empty; name at least one stage, such as { dev: { region } }.']);
  }
  const overrides: unknown = stages[stage];
  if (!NAME.test(stage) || !isObject(overrides)) {
    throw new ConfigurationError([
      `The stage "${stage}" does not exist; allowed is ${Object.keys(stages).join(' or ')}: pass -c stage=${Object.keys(stages)[0] ?? ''}, or add it to stages.`,
    ]);
  }
  const { like, ...own } = overrides;
  const preset = like ?? (stage in PRESETS ? stage : 'production');
  if (typeof preset !== 'string' || !(preset in PRESETS)) {
    throw new ConfigurationError([
      `stages.${stage}.like is ${JSON.stringify(like)}; allowed is ${Object.keys(PRESETS).join(' or ')}.`,
    ]);
  }
  const merged = withProcessDefaults(merge(merge(PRESETS[preset as PresetName], common), own));
  const result = stageSchema.safeParse(merged);
  if (result.success) return { ...result.data, stage };
  throw new ConfigurationError(
    result.error.issues.map(({ message, path }) => `${where(path, stage, own)} ${message}.`),
  );
}

/** Where the user wrote the value: in the stage if it stands there, else in the common part. */
function where(path: readonly PropertyKey[], stage: string, own: unknown): string {
  const parts = path.map(String);
  let at: unknown = own;
  for (const part of parts) at = isObject(at) || Array.isArray(at) ? (at as Record<string, unknown>)[part] : undefined;
  const inStage = at !== undefined || parts[0] === 'region' || parts[0] === 'account';
  return [...(inStage ? ['stages', stage] : []), ...parts].join('.');
}

/** `existing` and the alternatives of `tls` and `image` exclude what they replace. */
const ALTERNATIVES = ['existing', 'reference', 'directory', 'domain', 'certificateArn', 'httpOnly'];

function merge(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const replaces = ALTERNATIVES.some((key) => key in over !== key in base && (key in over || key in base));
  if (replaces && ALTERNATIVES.some((key) => key in over)) return over;
  if ('existing' in base) return over;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  return Object.fromEntries(keys.map((key) => [key, merge(base[key], over[key])]));
}

function withProcessDefaults(merged: unknown): unknown {
  if (!isObject(merged)) return merged;
  const { web, workers, scheduler, migration } = merged;
  const withDefaults = (defaults: unknown, value: unknown) => (isObject(value) ? merge(defaults, value) : value);
  return {
    ...merged,
    web: withDefaults(PROCESS_DEFAULTS.web, web),
    workers: isObject(workers)
      ? Object.fromEntries(
          Object.entries(workers).map(([name, worker]) => [name, withDefaults(PROCESS_DEFAULTS.worker, worker)]),
        )
      : (workers ?? {}),
    scheduler: withDefaults(PROCESS_DEFAULTS.scheduler, scheduler),
    migration: withDefaults(PROCESS_DEFAULTS.migration, migration),
  };
}
