import { z } from 'zod';
import { PORTS } from '../contract';
import { isValidName, nameRule } from '../tasks';
import { mailFrom, mailUrl, objectsUrl, platformUrl, postgresUrl, publicUrl, redisUrl, smsUrl } from './addresses';
import { toChannels } from './channels';
import type { Channel } from './channels';
import { toFeeds } from './feeds';
import { toQueues, toWorkerKinds } from './queues';
import type { WorkerKind, WorkerQueue } from './queues';
import { refuse } from './refuse';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Shortest administration token that is accepted, in characters: 16 random hexadecimal digits are 64 bits. */
export const MIN_TOKEN_LENGTH = 16;

const MAX_NAME_LENGTH = 100;

/**
 * A CloudWatch namespace: 1 to 255 of these characters, and those that begin with AWS/ are Amazon's own.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Namespace
 */
const NAMESPACE = /^(?!AWS\/|:)[A-Za-z0-9._\-/#:]{1,255}$/;

/**
 * What each variable may be: a schema from its text to its value. Messages continue the sentence `NAME …`; those of
 * secrets never repeat the value.
 */
export const VARIABLES = {
  databaseUrl: postgresUrl(),
  databasePassword: z.string().optional(),
  databasePoolSize: wholeNumber(4, 200).default(10),
  queueRedisUrl: redisUrl(),
  queueRedisPassword: z.string().optional(),
  cacheRedisUrl: redisUrl(),
  cacheRedisPassword: z.string().optional(),
  objectsUrl: objectsUrl(),
  mailUrl: mailUrl(),
  mailFrom: mailFrom(),
  smsUrl: smsUrl(),
  contactChannels: z
    .string()
    .default('')
    .transform((value, context): readonly Channel[] => toChannels(value, context)),
  reminderTime: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, {
      error: (issue) => `is ${quote(issue.input)}; allowed is a time of day such as 09:00`,
    })
    .default('09:00'),
  newsFeeds: z
    .string()
    .default('')
    .transform((value, context): readonly string[] => toFeeds(value, context)),
  newsSeconds: wholeNumber(0, 86_400).default(300),
  outboxUrl: publicUrl().optional(),
  libraryName: z
    .string()
    .max(MAX_NAME_LENGTH, { error: `is longer than ${MAX_NAME_LENGTH} characters, the most allowed` })
    .default('Town Library'),
  timeZone: z
    .string()
    .refine(isTimeZone, { error: (issue) => `is ${quote(issue.input)}; allowed is an IANA zone such as Europe/Berlin` })
    .default('Europe/London'),
  publicUrl: publicUrl().default(`http://localhost:${PORTS.web}`),
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
  workerKind: z
    .string()
    .refine(isValidName, { error: (issue) => `is ${quote(issue.input)}; allowed is ${nameRule}` })
    .default('default'),
  workerQueues: z
    .string()
    .default('default,imports,reminders,images,collect,probes')
    .transform((value, context): readonly WorkerQueue[] => toQueues(value, context)),
  workerConcurrency: wholeNumber(1, 1000).default(10),
  workerKinds: z
    .string()
    .transform((value, context): readonly WorkerKind[] => toWorkerKinds(value, context))
    .optional(),
  metricsNamespace: z
    .string()
    .regex(NAMESPACE, {
      error: (issue) =>
        `is ${quote(issue.input)}; allowed are 1 to 255 letters, digits and . - _ / # : which begin with neither AWS/ nor :`,
    })
    .optional(),
  scaleInProtection: onOff(),
  drainSeconds: seconds(0, 3600).default(20),
  heartbeatSeconds: seconds(0.1, 60).default(5),
  leaseSeconds: seconds(0.2, 600).default(15),
  probes: onOff(),
  probeReceiverUrl: publicUrl('where probes call').optional(),
  logLevel: z
    .enum(LOG_LEVELS, { error: (issue) => `is ${quote(issue.input)}; allowed is ${LOG_LEVELS.join(', ')}` })
    .default('info'),
  otlpEndpoint: publicUrl('where traces are sent').optional(),
  ecsAgentUri: platformUrl(),
  ecsMetadataUri: platformUrl(),
} as const;

export type Variable = keyof typeof VARIABLES;
export type VariableValue<V extends Variable> = z.output<(typeof VARIABLES)[V]>;

function onOff() {
  return z
    .enum(['on', 'off'], { error: (issue) => `is ${quote(issue.input)}; allowed is on or off` })
    .default('off')
    .transform((value) => value === 'on');
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

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
