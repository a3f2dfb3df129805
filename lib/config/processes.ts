import { posix } from 'node:path';
import { z } from 'zod';
import {
  FIELD,
  FIELD_RULE,
  KEY_ARN,
  KEY_ARN_RULE,
  NAME,
  NAME_RULE,
  QUEUE,
  QUEUE_RULE,
  SECRET_ARN,
  SECRET_ARN_RULE,
  byKey,
  choice,
  flag,
  list,
  named,
  number,
  record,
  refusal,
  text,
  wholeNumber,
} from './values';

const ENVIRONMENT_NAME = /^[A-Z][A-Z0-9_]{0,99}$/;
const ENVIRONMENT_RULE = '1 to 100 upper-case letters, digits and underscores, starting with a letter';

/**
 * `host:port/path/name:tag@digest`, all but the name optional.
 * Source: distribution/reference, the grammar of a reference, which Docker and Amazon ECS follow.
 */
const IMAGE =
  /^([A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?\/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/** Built from a Dockerfile at deploy, or pulled from a registry. */
export const image = byKey(
  {
    rule: '{ directory, dockerfile? } or { reference }',
    mend: (input) =>
      typeof input === 'string' && IMAGE.test(input)
        ? `write { reference: '${input}' }, or { directory: '…' }`
        : undefined,
  },
  {
    key: 'reference',
    schema: record({
      /** For example `public.ecr.aws/nginx/nginx:1.29`. */
      reference: text(IMAGE, "an image's name such as 'nginx:1.29-alpine'"),
    }),
  },
  {
    schema: record({
      /** The build context, relative to the folder that `npx cdk` runs in. */
      directory: text(/^.+$/, 'a folder'),
      /** The Dockerfile, relative to the directory. @default 'Dockerfile' */
      dockerfile: text(/^.+$/, 'a file').default('Dockerfile'),
      /** Build arguments; no secrets, they stay in the image. */
      buildArguments: named(/^\w+$/, 'letters, digits and underscores', text(/^.*$/s, 'text')).default({}),
    }),
  },
);

const secret = record({
  /** ARN of a Secrets Manager secret. */
  arn: text(SECRET_ARN, SECRET_ARN_RULE),
  /** The field of a secret in JSON. @default - the whole secret */
  field: text(FIELD, FIELD_RULE).optional(),
  /** ARN of the customer-managed key that encrypts the secret. @default - AWS's own key */
  kmsKeyArn: text(KEY_ARN, KEY_ARN_RULE).optional(),
});

const permission = record({
  actions: list(text(/^[a-z0-9-]+:[A-Za-z0-9*]+$/, "an action such as 's3:GetObject'"), 'a list of actions', 1),
  resources: list(
    text(
      /^(arn:[\w*-]+:[\w*-]+:[\w*-]*:[\w*-]*:.+|\*)$/,
      "an ARN, arn:aws:service:region:account:resource, or '*' where the action knows no resources",
    ),
    'a list of ARNs',
    1,
  ),
});

/** A container beside the process's own, in the same task: an agent, a proxy. */
const sidecar = record({
  image,
  command: list(text(/^.*$/s, 'text'), 'a list of words').optional(),
  environment: named(ENVIRONMENT_NAME, ENVIRONMENT_RULE, text(/^.*$/s, 'text')).default({}),
  secrets: named(ENVIRONMENT_NAME, ENVIRONMENT_RULE, secret).default({}),
  /** TCP port that the sidecar listens on. @default - none */
  port: wholeNumber(1, 65_535).optional(),
  cpuUnits: wholeNumber(0, 16_384, 'CPU units (1,024 are one vCPU)').default(32),
  memoryMiB: wholeNumber(16, 131_072, 'MiB').default(64),
  /** Whether the task ends when the sidecar ends. @default false */
  essential: flag().default(false),
});

/** Absolute, without parts that lead elsewhere than they say. */
const FOLDER = /^(\/(?!\.{1,2}(\/|$))[\w.@+-]+)+$/;
const folderError = refusal("an absolute folder such as '/tmp'", (input) => {
  const meant = typeof input === 'string' ? posix.join('/', input).replace(/\/$/, '') : '';
  return FOLDER.test(meant) ? `write '${meant}'` : undefined;
});
const folder = z.string({ error: folderError }).regex(FOLDER, { error: folderError });

/** What every process has; the defaults of sizes differ by process and stand in presets.ts. */
const process = {
  /** What the container runs instead of the image's own command, in exec form. @default - the image's command */
  command: list(
    text(/^.+$/s, 'text'),
    'a list of words in exec form, so that SIGTERM reaches the program',
    1,
  ).optional(),
  /** An image of its own. @default - the configuration's image */
  image: image.optional(),
  cpuUnits: wholeNumber(16, 16_384, 'CPU units (1,024 are one vCPU)'),
  /** Hard limit: a container over it is killed. Scheduling reserves the same. */
  memoryMiB: wholeNumber(32, 131_072, 'MiB'),
  environment: named(ENVIRONMENT_NAME, ENVIRONMENT_RULE, text(/^.*$/s, 'text')).default({}),
  secrets: named(ENVIRONMENT_NAME, ENVIRONMENT_RULE, secret).default({}),
  permissions: list(permission, 'a list of { actions, resources }').default([]),
  /** Connections to the database that one container may open, all together; the connection budget counts them. */
  databaseConnections: wholeNumber(0, 500, 'connections'),
  /** User inside the container. @default '1000:1000' */
  user: text(/^[\w-]+(:[\w-]+)?$/, "a user such as '1000:1000' or 'node'").default('1000:1000'),
  readOnlyRootFilesystem: flag().default(true),
  /** Folders in memory that the process may write to, together at most half of memoryMiB. @default ['/tmp'] */
  writableFolders: list(folder, 'a list of folders').default(['/tmp']),
  sidecars: named(NAME, NAME_RULE, sidecar).default({}),
  /** Seconds from SIGTERM until the process gives up what still runs. @default - from the drain budget */
  drainSeconds: wholeNumber(1, 7_200, 'seconds').optional(),
  /** Seconds from SIGTERM until SIGKILL. @default - from the drain budget */
  stopTimeoutSeconds: wholeNumber(2, 7_200, 'seconds').optional(),
};

export const webProcess = record({
  ...process,
  /** TCP port that the process listens on inside its container. */
  port: wholeNumber(1, 65_535).default(8080),
  /** Answers 200 while the process can serve; must not depend on the database or Redis. */
  healthPath: text(/^\/\S*$/, "a path such as '/healthz'").default('/healthz'),
  /**
   * The longest that a request may take, in seconds; the load balancer's drain waits for it. One that sends nothing for
   * 60 s, the balancer's idle time-out, is answered with 504 before: send something meanwhile, or make it a task.
   */
  requestSeconds: wholeNumber(1, 3_600, 'seconds').default(30),
  /** Seconds that the load balancer lets open requests finish before the container gets SIGTERM. */
  deregistrationSeconds: wholeNumber(0, 3_600, 'seconds').optional(),
  scaling: record({
    min: wholeNumber(1, 100, 'containers'),
    max: wholeNumber(1, 100, 'containers'),
    /** Average CPU use of the containers to hold, in percent of what they reserve. */
    cpuPercent: number(10, 95, 'percent').default(60),
    /** Requests per container and minute to hold. */
    requestsPerMinute: wholeNumber(1, 1_000_000, 'requests').default(3_000),
  }),
});

export const workerProcess = record({
  ...process,
  /** Queues that this kind takes tasks from; a queue belongs to one kind. */
  queues: list(
    record({
      name: text(QUEUE, `a queue's name: ${QUEUE_RULE}`),
      /** How often this queue is asked first, compared with the kind's others. */
      weight: wholeNumber(1, 100).default(1),
    }),
    'a list of at least one { name, weight? }',
    1,
  ),
  /** Tasks that one container runs at once. */
  concurrency: wholeNumber(1, 1_000, 'tasks').default(10),
  /** The longest time limit of this kind's handlers, in seconds. */
  handlerSeconds: wholeNumber(1, 86_400, 'seconds').default(60),
  /**
   * What happens to running tasks when the container must go: `finish` waits for them, so the stop time-out must exceed
   * handlerSeconds; `give-back` hands them to another worker after drainSeconds, which starts them anew.
   */
  onDrain: choice('finish', 'give-back').default('finish'),
  /** Run on the fleet's Spot instances (needs fleet.spot). */
  spot: flag().default(false),
  /** Busy containers ask not to be chosen for scale-in (only with taskEngine 'holdfast'). */
  scaleInProtection: flag().default(true),
  scaling: record({
    min: wholeNumber(0, 100, 'containers'),
    max: wholeNumber(1, 100, 'containers'),
    /** Waiting tasks per container to hold (taskEngine 'holdfast' and 'celery'). */
    backlogPerWorker: wholeNumber(1, 1_000_000, 'tasks').default(100),
    /** Scale out by one more whenever the oldest task has waited this long. */
    oldestAgeSeconds: wholeNumber(10, 86_400, 'seconds').default(120),
    /**
     * With taskEngine 'custom': a metric of your own to hold at a value. With min 0 the kind wakes when the metric reaches
     * target for 3 minutes: let it be at least that while tasks wait and no container runs. @default - scale on CPU
     */
    metric: record({
      namespace: text(/^[^:].{0,254}$/, "a CloudWatch namespace such as 'MyApp'"),
      name: text(/^.{1,255}$/, "a metric's name"),
      dimensions: named(/^.{1,255}$/, 'a text of 1 to 255 characters', text(/^.+$/, 'text')).default({}),
      target: number(0.001, 1_000_000_000),
    }).optional(),
    /** With taskEngine 'custom' and no metric: average CPU use to hold, in percent of what is reserved. */
    cpuPercent: number(10, 95, 'percent').default(60),
  }),
});

export const schedulerProcess = record(process);

export const migrationProcess = record({
  image: process.image,
  command: list(text(/^.+$/s, 'text'), 'a list of words in exec form', 1),
  cpuUnits: process.cpuUnits,
  memoryMiB: process.memoryMiB,
  environment: process.environment,
  secrets: process.secrets,
  permissions: process.permissions,
  user: process.user,
  readOnlyRootFilesystem: process.readOnlyRootFilesystem,
  writableFolders: process.writableFolders,
  /** Minutes until a migration is stopped and the deploy fails; CloudFormation's own limit is an hour. */
  timeoutMinutes: wholeNumber(1, 55, 'minutes').default(30),
});

export type ImageConfiguration = z.output<typeof image>;
export type SidecarConfiguration = z.output<typeof sidecar>;
export type SecretConfiguration = z.output<typeof secret>;
export type PermissionConfiguration = z.output<typeof permission>;
