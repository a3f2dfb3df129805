import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PORTS } from '../contract';
import { isValidName, nameRule } from '../tasks';

export interface WorkerQueue {
  readonly name: string;
  /** How often the queue is asked first, compared with the others. */
  readonly weight: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Shortest administration token that is accepted, in characters: 16 random hexadecimal digits are 64 bits. */
export const MIN_TOKEN_LENGTH = 16;

/**
 * What each variable may be: a schema from its text to its value. Messages continue the sentence `NAME …`; those of
 * secrets never repeat the value.
 */
export const VARIABLES = {
  databaseUrl: z
    .string({ error: 'is not set; write postgres://user:password@host:port/database' })
    .refine(isPostgresUrl, {
      error: 'is not a PostgreSQL address; write postgres://user:password@host:port/database',
    }),
  databasePoolSize: wholeNumber(4, 200).default(10),
  queueRedisUrl: z
    .string()
    .refine(isRedisUrl, {
      error: 'is not a Redis address; write redis://host:port or rediss://user:password@host:port',
    })
    .optional(),
  objectsFolder: z
    .string({ error: 'is not set; write file:///absolute/folder' })
    .transform((value, context): string => toFolder(value) ?? refuse(context, folderRule(value))),
  adminToken: z
    .string()
    .min(MIN_TOKEN_LENGTH, {
      error: (issue) =>
        `has ${lengthOf(issue.input)} characters; allowed are ${MIN_TOKEN_LENGTH} or more, for example from: openssl rand -hex 32`,
    })
    .optional(),
  listenHost: z.string().default('0.0.0.0'),
  port: wholeNumber(0, 65_535).default(PORTS.web),
  metricsPort: wholeNumber(0, 65_535).default(PORTS.metrics),
  workerQueues: z
    .string()
    .default('default,imports,probes')
    .transform((value, context): readonly WorkerQueue[] => toQueues(value, context)),
  workerConcurrency: wholeNumber(1, 1000).default(10),
  drainSeconds: seconds(0, 3600).default(20),
  heartbeatSeconds: seconds(0.1, 60).default(5),
  leaseSeconds: seconds(0.2, 600).default(15),
  probes: z
    .enum(['on', 'off'], { error: (issue) => `is ${quote(issue.input)}; allowed is on or off` })
    .default('off')
    .transform((value) => value === 'on'),
  logLevel: z
    .enum(LOG_LEVELS, { error: (issue) => `is ${quote(issue.input)}; allowed is ${LOG_LEVELS.join(', ')}` })
    .default('info'),
} as const;

export type Variable = keyof typeof VARIABLES;
export type VariableValue<V extends Variable> = z.output<(typeof VARIABLES)[V]>;

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

function quote(value: unknown): string {
  return JSON.stringify(value);
}

function wholeNumber(min: number, max: number) {
  const rule = `a whole number from ${min} to ${max}`;
  return z.string().transform((text, context): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : refuse(context, `is ${quote(text)}; allowed is ${rule}`);
  });
}

function seconds(min: number, max: number) {
  const rule = `a number of seconds from ${min} to ${max}`;
  return z.string().transform((text, context): number => {
    const value = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : refuse(context, `is ${quote(text)}; allowed is ${rule}`);
  });
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

function parseUrl(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined;
}

function isPostgresUrl(value: string): boolean {
  const url = parseUrl(value);
  return url !== undefined && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1;
}

function isRedisUrl(value: string): boolean {
  const url = parseUrl(value);
  return url !== undefined && ['redis:', 'rediss:'].includes(url.protocol) && url.hostname !== '';
}

function toFolder(value: string): string | undefined {
  const url = parseUrl(value);
  if (url?.protocol !== 'file:' || url.hostname !== '' || url.pathname.length < 2) return undefined;
  return fileURLToPath(url);
}

function folderRule(value: string): string {
  return value.startsWith('s3:')
    ? 'names an S3 bucket, which this version cannot use yet; write file:///absolute/folder'
    : 'is not the address of a folder; write file:///absolute/folder';
}

function toQueues(value: string, context: z.RefinementCtx): WorkerQueue[] {
  const queues = value.split(',').map((part): WorkerQueue => {
    const [name = '', weight = '1', ...rest] = part.trim().split(':');
    if (rest.length > 0 || !isValidName(name)) {
      return refuse(
        context,
        `holds ${quote(part.trim())}; a queue is written name or name:weight, its name is ${nameRule}`,
      );
    }
    if (!/^\d{1,3}$/.test(weight) || Number(weight) < 1 || Number(weight) > 100) {
      return refuse(context, `holds ${quote(part.trim())}; a weight is a whole number from 1 to 100`);
    }
    return { name, weight: Number(weight) };
  });
  const twice = queues.find((queue, index) => queues.findIndex((other) => other.name === queue.name) !== index);
  if (twice !== undefined) refuse(context, `names the queue ${quote(twice.name)} twice; name each queue once`);
  return queues;
}
