import { z } from 'zod';
import { isValidName, nameRule } from '../tasks';

/** Longest part of a wrong value that a message repeats, in characters. */
const SHOWN_LENGTH = 60;

/** What was given, short enough for a sentence. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** Zod option that makes every complaint about a value one predicate: `is 0; allowed is a whole number from 1 to 9`. */
export function allowed(rule: string): { error: (issue: { readonly input: unknown }) => string } {
  return { error: (issue) => `is ${show(issue.input)}; allowed is ${rule}` };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number in a JSON document. */
export function wholeNumber({ min, max }: Range) {
  const message = allowed(`a whole number from ${min} to ${max}`);
  return z.int(message).min(min, message).max(max, message);
}

/** A number in a JSON document. */
export function decimalNumber({ min, max }: Range) {
  const message = allowed(`a number from ${min} to ${max}`);
  return z.number(message).min(min, message).max(max, message);
}

/** A whole number in a query string, with the value that its absence means. */
export function queryNumber({ min, max, otherwise }: Range & { readonly otherwise: number }) {
  const rule = `a whole number from ${min} to ${max}`;
  return z
    .string(allowed(rule))
    .optional()
    .transform((text, context): number => {
      if (text === undefined) return otherwise;
      const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
      if (value >= min && value <= max) return value;
      context.addIssue({ code: 'custom', message: `is ${show(text)}; allowed is ${rule}` });
      return z.NEVER;
    })
    .meta({ type: 'integer', minimum: min, maximum: max, default: otherwise });
}

/** Text that PostgreSQL can store: no U+0000, no half of a surrogate pair. */
export function storableText({ min, max }: Range) {
  const message = allowed(`text of ${min} to ${max} characters`);
  return z
    .string(message)
    .min(min, message)
    .max(max, message)
    .refine((text) => !/\0|\p{Surrogate}/u.test(text), {
      error: 'holds U+0000 or half of a surrogate pair, which cannot be stored; leave that character out',
    });
}

/** Text of one line, without white space around it. */
export function storableLine(range: Range) {
  return storableText(range)
    .trim()
    .min(range.min, allowed(`text of ${range.min} to ${range.max} characters`))
    .refine((text) => !/\p{Cc}/u.test(text), { error: 'holds a line end or another control character; leave it out' });
}

export function uuid() {
  return z.uuid(allowed('a uuid such as 01234567-89ab-4cde-8f01-23456789abcd'));
}

/** The name of a queue or of a task. */
export function engineName() {
  const message = allowed(nameRule);
  return z.string(message).refine(isValidName, message);
}

/** A list in a JSON document; `of` names what it holds. */
export function listOf<Item extends z.ZodType>(item: Item, { min, max, of }: Range & { readonly of: string }) {
  const message = allowed(`a list of ${min} to ${max} ${of}`);
  return z.array(item, message).min(min, message).max(max, message);
}

export function truth() {
  return z.boolean(allowed('true or false'));
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, allowed(values.join(', ')));
}

/** An object that allows no other fields; complaints name the fields that it knows. */
export function strictObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const rule = fieldsRule(Object.keys(shape));
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `is not a known field; ${rule}`
        : `is ${issue.input === null ? 'missing' : show(issue.input)}; allowed is an object`,
  });
}

/** For routes that take no body: none, or an object without fields. */
export function noBody() {
  return strictObject({}).nullish();
}

function fieldsRule(names: readonly string[]): string {
  if (names.length === 0) return 'no field is allowed here';
  return `allowed ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
}
