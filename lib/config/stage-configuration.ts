import { z } from 'zod';
import { ConfigurationError } from './configuration-error';
import { sentencesOf } from './issues';
import { inLayers } from './locate';
import type { Layers } from './locate';
import { asNumber, asOneOf, asText, shorter } from './mends';
import { mergeLayers } from './merge';
import { alarms, budgetUsdPerMonth, database, fleet, network, redis, tls } from './infrastructure';
import { PRESETS, PROCESS_DEFAULTS } from './presets';
import type { PresetName } from './presets';
import { image, migrationProcess, schedulerProcess, webProcess, workerProcess } from './processes';
import { similarTo } from './similar';
import {
  NAME,
  NAME_LENGTH,
  NAME_RULE,
  choice,
  flag,
  given,
  isObject,
  list,
  nameText,
  named,
  record,
  refusal,
  text,
  wholeNumber,
} from './values';
import { acknowledge } from './warnings';

/** Source: CloudWatch Logs API, PutRetentionPolicy. */
const LOG_RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653] as const;

/** A name of plain words goes into a mail's header as it is; others would have to be quoted. */
const SENDER = /^([^<>()[\]\\,;:@"\p{Cc}]*[^<>()[\]\\,;:@"\p{Cc}\s] <[^<>]+>|[^<>]+)$/u;
const senderError = refusal("one address such as 'post@example.org' or 'Library <post@example.org>'");
const sender = z
  .string({ error: senderError })
  .refine((from) => SENDER.test(from) && z.email().safeParse(addressOf(from)).success, { error: senderError });

/** The address in the sender of mail. */
export function addressOf(from: string): string {
  return /<(.*)>$/.exec(from)?.[1] ?? from;
}

const stageShape = {
  /** Name of the app; with the stage it names the stacks and what they hold. */
  name: nameText(),
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
    from: sender,
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
  /** A CloudWatch dashboard for the stage. */
  dashboard: flag(),
  /** Days that container logs are kept, one of those that CloudWatch Logs offers. */
  logRetentionDays: z.literal([...LOG_RETENTION_DAYS], {
    error: refusal(
      `one of ${LOG_RETENTION_DAYS.join(', ')}`,
      asNumber((days) => LOG_RETENTION_DAYS.some((allowed) => allowed === days)),
    ),
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
  acknowledge: acknowledge.default({}),
};

/** The schema of a stage in which everything is filled in. */
export const stageSchema = record(stageShape);

/** One stage's configuration, complete: every default is filled in and every value checked. */
export type StageConfiguration = z.output<typeof stageSchema> & {
  readonly stage: string;
  /** The preset that the stage started from: what is refused in production is refused in every stage like it. */
  readonly like: PresetName;
};
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
  const layers = layersOf(configuration, stage);
  const { preset, common, own } = layers;
  const result = stageSchema.safeParse(withProcessDefaults(mergeLayers([preset, common, own])));
  if (result.success) return { ...result.data, stage, like: layers.like };
  throw new ConfigurationError(sentencesOf(result.error.issues, inLayers(layers)));
}

/** The names of the configuration's stages. @throws ConfigurationError when it has none. */
export function stagesOf(configuration: Configuration): readonly string[] {
  const stages: unknown = configuration.stages;
  if (isObject(stages) && Object.keys(stages).length > 0) return Object.keys(stages);
  throw new ConfigurationError([
    `stages is ${given(stages)}; allowed is an object with at least one stage: write stages: { dev: { region: 'us-east-1' } }.`,
  ]);
}

/**
 * What a stage is made of, from bottom to top: preset, common part, the stage's own.
 * @throws ConfigurationError when there is no such stage, or it starts from a preset that does not exist.
 */
export function layersOf(configuration: Configuration, stage: string): Layers & { readonly like: PresetName } {
  const { stages, ...common } = configuration;
  const names = stagesOf(configuration);
  if (!names.includes(stage)) {
    const meant = similarTo(stage, names) ?? names[0] ?? '';
    throw new ConfigurationError([
      `The stage is ${given(stage)}; allowed is ${names.join(' or ')}: pass -c stage=${meant}, or add it to stages.`,
    ]);
  }
  const overrides: unknown = stages[stage];
  if (!NAME.test(stage)) {
    const mend = shorter(NAME_LENGTH)(stage) ?? asText(NAME)(stage);
    throw new ConfigurationError([
      `stages.${stage} is not a name that is allowed here; a name is ${NAME_RULE}${mend === undefined ? '' : `: ${mend}`}.`,
    ]);
  }
  if (!isObject(overrides)) {
    throw new ConfigurationError([
      `stages.${stage} is ${given(overrides)}; allowed is an object with at least a region.`,
    ]);
  }
  const { like: asked, ...own } = overrides;
  const like = asked ?? (Object.hasOwn(PRESETS, stage) ? stage : 'production');
  if (!isPreset(like)) {
    const presets = Object.keys(PRESETS);
    const refused = refusal(presets.map((name) => `'${name}'`).join(' or '), asOneOf(presets));
    throw new ConfigurationError([`stages.${stage}.like ${refused({ input: like })}.`]);
  }
  return { stage, like, preset: PRESETS[like], common, own };
}

function isPreset(name: unknown): name is PresetName {
  return typeof name === 'string' && Object.hasOwn(PRESETS, name);
}

function withProcessDefaults(merged: unknown): unknown {
  if (!isObject(merged)) return merged;
  const { web, workers, scheduler, migration } = merged;
  const over = (defaults: unknown, value: unknown) => (isObject(value) ? mergeLayers([defaults, value]) : value);
  return {
    ...merged,
    web: over(PROCESS_DEFAULTS.web, web),
    workers: isObject(workers)
      ? Object.fromEntries(
          Object.entries(workers).map(([kind, worker]) => [kind, over(PROCESS_DEFAULTS.worker, worker)]),
        )
      : (workers ?? {}),
    scheduler: over(PROCESS_DEFAULTS.scheduler, scheduler),
    migration: over(PROCESS_DEFAULTS.migration, migration),
  };
}
