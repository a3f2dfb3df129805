import { z } from 'zod';
import { asFlag, asNumber, asOneOf, asText, firstOf, nearText, shorter } from './mends';
import type { Mend } from './mends';

/*
 * Schemas of single values. Every message continues the sentence that begins with where the value stands, and says
 * what was given and what is allowed: `fleet.min is 0; allowed is a whole number from 1 to 100.`
 */

type IssueWithInput = { readonly input?: unknown };

export function given(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'string' || typeof value === 'object' ? JSON.stringify(value) : nameOf(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Numbers and booleans as they are; what no configuration can hold by its type. */
function nameOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

/** @param mend how to mend what was given. @default - only what is allowed is said */
export function refusal(rule: string, mend: Mend = () => undefined): (issue: IssueWithInput) => string {
  return ({ input }) => {
    const said = mend(input);
    return `is ${given(input)}; allowed is ${rule}${said === undefined ? '' : `: ${said}`}`;
  };
}

export function wholeNumber(min: number, max: number, unit = '') {
  const isAllowed = (value: number) => Number.isInteger(value) && value >= min && value <= max;
  const rule = `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`;
  const error = refusal(rule, asNumber(isAllowed));
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function number(min: number, max: number, unit = '') {
  const rule = `a number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`;
  const error = refusal(
    rule,
    asNumber((value) => value >= min && value <= max),
  );
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export function text(pattern: RegExp, rule: string) {
  const error = refusal(rule, asText(pattern));
  return z.string({ error }).regex(pattern, { error });
}

/** A name that becomes part of names in AWS. */
export function nameText() {
  const error = refusal(NAME_RULE, firstOf(shorter(NAME_LENGTH), asText(NAME)));
  return z.string({ error }).regex(NAME, { error });
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, { error: refusal(values.map((value) => `'${value}'`).join(' or '), asOneOf(values)) });
}

export function flag() {
  return z.boolean({ error: refusal('true or false', asFlag) });
}

export function list<Schema extends z.ZodType>(item: Schema, rule: string, min = 0) {
  const error = refusal(rule, (input) => {
    if (Array.isArray(input)) return `name at least ${min === 1 ? 'one' : min}`;
    const isOne = !/\s/.test(typeof input === 'string' ? input : '') && item.safeParse(input).success;
    return isOne ? `write [${given(input)}]` : undefined;
  });
  return z.array(item, { error }).min(min, { error });
}

/** What stands in a message between the unknown key and the list of those allowed. */
export const ALLOWED_KEYS = '; allowed are ';

/** An object that knows all its keys: another key is an error that names those allowed, one for each key. */
export function record<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has an unknown key${ALLOWED_KEYS}${keys}`
        : `is ${given(issue.input)}; allowed is an object with ${keys}`,
  });
}

/**
 * One of several objects, told apart by a key that only one of them has; the last needs none. Unlike a plain union,
 * mistakes inside the chosen one are reported where they stand, and a key of another is told to exclude the chosen one.
 * @param rule what is allowed, and how to mend what is none of the objects.
 */
export function byKey<const Options extends readonly { key?: string; schema: z.ZodType }[]>(
  { rule, mend = () => undefined }: { readonly rule: string; readonly mend?: Mend },
  ...options: Options
): z.ZodType<z.output<Options[number]['schema']>, z.input<Options[number]['schema']>> {
  const schema = z.unknown().transform((given, context) => {
    const value = isObject(given) ? withoutUndefined(given) : given;
    const chosen = options.find(({ key }) => key === undefined || (isObject(value) && key in value));
    if (chosen === undefined || (!isObject(value) && !(chosen.schema instanceof z.ZodLiteral))) {
      context.addIssue({ code: 'custom', message: refusal(rule, mend)({ input: value }) });
      return z.NEVER;
    }
    const result = chosen.schema.safeParse(value);
    if (result.success) return result.data;
    const others = options.filter((option) => option !== chosen).flatMap((option) => keysOf(option.schema));
    for (const issue of result.error.issues) {
      const { message, path } = issue;
      const keys = unknownKeys(issue);
      const excluding = path.length > 0 ? [] : keys.filter((key) => others.includes(key));
      if (excluding.length > 0) context.addIssue({ code: 'custom', message: excludes(chosen.key, excluding) });
      const unknown = keys.filter((key) => !excluding.includes(key));
      if (keys.length === 0 || unknown.length > 0) {
        context.addIssue({ code: 'custom', message, path: [...path], params: { keys: unknown } });
      }
    }
    return z.NEVER;
  }) as unknown as z.ZodType<z.output<Options[number]['schema']>, z.input<Options[number]['schema']>>;
  OPTIONS.set(
    schema,
    options.map((option) => option.schema),
  );
  return schema;
}

/** A key that a stage takes back is not there. */
function withoutUndefined(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

function keysOf(schema: z.ZodType): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function excludes(key = '', others: readonly string[]): string {
  return others.length === 1
    ? `has ${key} and ${others.join('')}; allowed is one of them: remove one`
    : `has ${key} and ${others.join(', ')}; allowed is ${key} or the others: remove it, or them`;
}

const OPTIONS = new WeakMap<z.ZodType, readonly z.ZodType[]>();

/** The schemas that a schema made by `byKey` chooses from; undefined for any other. */
export function optionsOf(schema: z.ZodType): readonly z.ZodType[] | undefined {
  return OPTIONS.get(schema);
}

/** The keys that an issue calls unknown. */
export function unknownKeys(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys;
  const keys: unknown = issue.code === 'custom' ? issue.params?.['keys'] : undefined;
  return Array.isArray(keys) ? keys.map(String) : [];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with names of the user's choice as keys. */
export function named<Schema extends z.ZodType>(name: RegExp, rule: string, value: Schema) {
  return z.record(z.string().regex(name), value, {
    error: (issue) => {
      if (issue.code !== 'invalid_key') return refusal('an object of names and values')(issue);
      const key = typeof issue.input === 'string' ? issue.input : '';
      const tooLong = name === NAME ? shorter(NAME_LENGTH)(key) : undefined;
      const meant = nearText(key, name);
      const mend = tooLong ?? (meant === undefined ? undefined : `write ${meant}`);
      return `is not a name that is allowed here; a name is ${rule}${mend === undefined ? '' : `: ${mend}`}`;
    },
  });
}

/** What every name of a process, worker kind or stage looks like; it becomes part of names in AWS. */
export const NAME_LENGTH = 20;
export const NAME = /^[a-z][a-z0-9-]{0,18}[a-z0-9]$|^[a-z]$/;
export const NAME_RULE =
  '1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash';

/** Names of queues. */
export const QUEUE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
export const QUEUE_RULE =
  'letters, digits, underscores, dots and dashes, at most 100, starting with a letter, digit or underscore';

/** What of them taskEngine 'holdfast' takes (app/src/tasks/definition.ts). */
export const HOLDFAST_QUEUE = /^[a-z0-9][a-z0-9.-]{0,99}$/;

/** Secrets Manager adds six characters to each name; without them Amazon ECS finds no field of a secret. */
export const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/;
export const SECRET_ARN_RULE =
  "a secret's complete ARN with its suffix of six characters, arn:aws:secretsmanager:region:account:secret:name-AbCdEf";

/** Amazon ECS writes the field behind the ARN and a colon, with more parts behind further ones. */
export const FIELD = /^[^:]+$/;
export const FIELD_RULE = "a field's name, without a colon";

export const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/;
export const KEY_ARN_RULE = "a key's ARN, arn:aws:kms:region:account:key/id";
