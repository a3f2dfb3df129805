import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { LOCAL_SMS_DOMAIN } from '../sms/local-sms-domain';
import { isRedisUrl } from '../tasks';
import { refuse } from './refuse';

/** What `?sslmode=` of DATABASE_URL may be; absent is `disable`. */
export const SSL_MODES = ['verify-full', 'no-verify', 'disable'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Where objects are kept. */
export type ObjectsAddress =
  | { readonly kind: 'folder'; readonly folder: string }
  /** `prefix` is empty or ends with a slash. */
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string };

/** Where mail is sent through. */
export type MailAddress =
  | { readonly kind: 'ses'; readonly region: string }
  | { readonly kind: 'smtp'; readonly host: string; readonly port: number };

/** Where text messages are sent through. */
export type SmsAddress =
  | { readonly kind: 'sns'; readonly region: string }
  /** A gateway that takes mail to <number without +>@domain. */
  | { readonly kind: 'smtp'; readonly host: string; readonly port: number; readonly domain: string };

const OBJECTS_RULE = 'write file:///absolute/folder or s3://bucket/prefix';
const MAIL_RULE = 'write ses://region or smtp://host:port';
const SMS_RULE = 'write sns://region, smtp://host:port or smtp://host:port/domain-of-the-gateway';
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** The same letters as in the keys of objects, so that neither has to be escaped. */
const PREFIX = /^([a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*\/?)?$/;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;
const MAILBOX = /^[^\s@<>,;"]+@[a-z0-9-]+(\.[a-z0-9-]+)*$/i;
const NAMED_MAILBOX = /^(?:[^<>@,;"\r\n]+|"[^"\\\r\n]+") <([^<>]+)>$/;

/** Refuses what is no PostgreSQL address, and every way to speak about TLS but `sslmode`. Never repeats the value. */
export function postgresUrl() {
  return z
    .string({ error: 'is not set; write postgres://user:password@host:port/database' })
    .transform((value, context): string => {
      const url = parseUrl(value);
      if (url === undefined || !['postgres:', 'postgresql:'].includes(url.protocol) || url.pathname.length < 2)
        return refuse(context, 'is not a PostgreSQL address; write postgres://user:password@host:port/database');
      const modes = url.searchParams.getAll('sslmode');
      if (modes.length > 1 || modes.some((mode) => !isSslMode(mode)))
        return refuse(
          context,
          `has the sslmode ${modes.map((mode) => JSON.stringify(mode)).join(', ')}; allowed is one of ${SSL_MODES.join(', ')}`,
        );
      const other = [...url.searchParams.keys()].find(
        (name) => name !== 'sslmode' && /^(ssl|uselibpqcompat)/.test(name),
      );
      if (other !== undefined)
        return refuse(
          context,
          `has the parameter ${JSON.stringify(other)}, which is not read; write ?sslmode=verify-full, and name further certificate authorities by NODE_EXTRA_CA_CERTS`,
        );
      return value;
    });
}

export function redisUrl() {
  return z
    .string()
    .refine(isRedisUrl, {
      error: 'is not a Redis address; write redis://host:port or rediss://user:password@host:port',
    })
    .optional();
}

export function objectsUrl() {
  return z
    .string({ error: `is not set; ${OBJECTS_RULE}` })
    .transform(
      (value, context): ObjectsAddress =>
        toFolder(value) ??
        toBucket(value) ??
        refuse(context, `is not the address of a folder or a bucket; ${OBJECTS_RULE}`),
    );
}

/** Credentials have no place in it: mail goes through SES by the task's role, or to a catcher that asks for none. */
export function mailUrl() {
  return z
    .string()
    .transform(
      (value, context): MailAddress =>
        toSes(value) ?? toSmtp(value) ?? refuse(context, `is not where mail is sent through; ${MAIL_RULE}`),
    )
    .optional();
}

export function smsUrl() {
  return z
    .string()
    .transform(
      (value, context): SmsAddress =>
        toSns(value) ?? toGateway(value) ?? refuse(context, `is not where text messages are sent through; ${SMS_RULE}`),
    )
    .optional();
}

export function mailFrom() {
  return z
    .string()
    .transform((value, context): string => {
      const mailbox = NAMED_MAILBOX.exec(value)?.[1] ?? value;
      return MAILBOX.test(mailbox)
        ? value
        : refuse(context, `is ${JSON.stringify(value)}; write name@example.org or Name <name@example.org>`);
    })
    .optional();
}

/** Without a slash at its end, so that paths can follow. */
export function publicUrl(purpose = 'where readers find the app') {
  return z.string().transform((value, context): string => {
    const url = parseUrl(value);
    const bare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (url === undefined || !['http:', 'https:'].includes(url.protocol) || !bare)
      return refuse(context, `is ${JSON.stringify(value)}; write https://host, ${purpose}`);
    return url.href.replace(/\/+$/, '');
  });
}

/** An endpoint that the platform puts into the container's environment. */
export function platformUrl() {
  return z
    .string()
    .refine((value) => ['http:', 'https:'].includes(parseUrl(value)?.protocol ?? ''), {
      error: (issue) => `is ${JSON.stringify(issue.input)}; allowed is an http:// address, as Amazon ECS sets it`,
    })
    .optional();
}

function parseUrl(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined;
}

function isSslMode(value: string): value is SslMode {
  return SSL_MODES.some((mode) => mode === value);
}

function toFolder(value: string): ObjectsAddress | undefined {
  const url = parseUrl(value);
  if (url?.protocol !== 'file:' || url.hostname !== '' || url.pathname.length < 2) return undefined;
  return { kind: 'folder', folder: fileURLToPath(url) };
}

function toBucket(value: string): ObjectsAddress | undefined {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(value) ?? [];
  if (!BUCKET.test(bucket) || bucket.includes('..') || isIP(bucket) !== 0 || !PREFIX.test(prefix)) return undefined;
  return { kind: 'bucket', bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

function toSes(value: string): MailAddress | undefined {
  const region = /^ses:\/\/([^/]+)\/?$/.exec(value)?.[1] ?? '';
  return REGION.test(region) ? { kind: 'ses', region } : undefined;
}

function toSns(value: string): SmsAddress | undefined {
  const region = /^sns:\/\/([^/]+)\/?$/.exec(value)?.[1] ?? '';
  return REGION.test(region) ? { kind: 'sns', region } : undefined;
}

function toGateway(value: string): SmsAddress | undefined {
  const [, address = '', domain = ''] = /^(smtp:\/\/[^/]+)\/?([^/]*)$/.exec(value) ?? [];
  const smtp = toSmtp(address);
  if (smtp?.kind !== 'smtp' || (domain !== '' && !DOMAIN.test(domain))) return undefined;
  return { ...smtp, domain: domain === '' ? LOCAL_SMS_DOMAIN : domain };
}

function toSmtp(value: string): MailAddress | undefined {
  const url = parseUrl(value);
  const bare = url?.username === '' && url.password === '' && ['', '/'].includes(url.pathname) && url.search === '';
  if (url?.protocol !== 'smtp:' || !bare || url.hostname === '' || url.port === '') return undefined;
  return { kind: 'smtp', host: url.hostname.replace(/^\[(.+)\]$/, '$1'), port: Number(url.port) };
}
