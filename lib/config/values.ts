import { z } from 'zod';

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

export function refusal(rule: string): (issue: IssueWithInput) => string {
  return (issue) => `is ${given(issue.input)}; allowed is ${rule}`;
}

export function wholeNumber(min: number, max: number, unit = '') {
  const error = refusal(`a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`);
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function number(min: number, max: number, unit = '') {
  const error = refusal(`a number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`);
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export function text(pattern: RegExp, rule: string) {
  const error = refusal(rule);
  return z.string({ error }).regex(pattern, { error });
}

export function choice<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, { error: refusal(values.map((value) => `'${value}'`).join(' or ')) });
}

export function flag() {
  return z.boolean({ error: refusal('true or false') });
}

export function list<Schema extends z.ZodType>(item: Schema, rule: string, min = 0) {
  const error = refusal(rule);
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
 * mistakes inside the chosen one are reported where they stand.
 */
export function byKey<const Options extends readonly { key?: string; schema: z.ZodType }[]>(
  rule: string,
  ...options: Options
): z.ZodType<z.output<Options[number]['schema']>, z.input<Options[number]['schema']>> {
  const schema = z.unknown().transform((value, context) => {
    const chosen = options.find(({ key }) => key === undefined || (isObject(value) && key in value));
    if (chosen === undefined || (!isObject(value) && !(chosen.schema instanceof z.ZodLiteral))) {
      context.addIssue({ code: 'custom', message: `is ${given(value)}; allowed is ${rule}` });
      return z.NEVER;
    }
    const result = chosen.schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const { message, path } = issue;
      context.addIssue({ code: 'custom', message, path: [...path], params: { keys: unknownKeys(issue) } });
    }
    return z.NEVER;
  }) as unknown as z.ZodType<z.output<Options[number]['schema']>, z.input<Options[number]['schema']>>;
  OPTIONS.set(
    schema,
    options.map((option) => option.schema),
  );
  return schema;
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
    error: (issue) =>
      issue.code === 'invalid_key'
        ? `is not a name that is allowed here; a name is ${rule}`
        : refusal('an object of names and values')(issue),
  });
}

/** What every name of a process, worker kind or stage looks like; it becomes part of names in AWS. */
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
