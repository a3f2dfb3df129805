import { z } from 'zod';
import { PRESETS, PROCESS_DEFAULTS } from '../../lib/config/presets';
import { stageSchema } from '../../lib/config/stage-configuration';
import { isObject, optionsOf } from '../../lib/config/values';

/** A key of the configuration as docs/configuration.md shows it. */
export interface KeyRow {
  readonly key: string;
  readonly default: string;
  readonly allowed: string;
}

type Path = readonly string[];

interface Found {
  readonly path: Path;
  readonly schema: z.ZodType;
  readonly required: boolean;
  readonly default: unknown;
}

/** Every key that holds a value, in the schema's order; what web, workers and scheduler share stands once. */
export function keyRows(): readonly KeyRow[] {
  const rows = keysOf([], stageSchema, true, undefined).map((found) => ({
    key: keyName(found.path),
    default: defaultOf(found),
    allowed: ruleOf(found.schema),
  }));
  const shared = (key: string) =>
    ['web.', 'workers.*.', 'scheduler.'].every((process) => rows.some((row) => row.key === `${process}${key}`));
  const merged = rows.map((row) => {
    const [, process, key = ''] = /^(web|workers\.\*|scheduler|migration)\.(.*)$/.exec(row.key) ?? [];
    return process !== undefined && shared(key) ? { ...row, key: `<process>.${key}` } : row;
  });
  return merged.filter(({ key }, index) => merged.findIndex((row) => row.key === key) === index);
}

function keyName(path: Path): string {
  return path.join('.').replaceAll('.[]', '[]');
}

/** @param required whether the key must stand where its parent does. */
function keysOf(path: Path, schema: z.ZodType, required: boolean, given: unknown): Found[] {
  const found = { path, schema, required, default: given };
  const options = optionsOf(schema);
  if (options !== undefined) {
    const literal = options.some((option) => option instanceof z.ZodLiteral);
    const inside = options.flatMap((option) =>
      option instanceof z.ZodLiteral ? [] : keysOf(path, option, true, undefined),
    );
    return [...(literal ? [found] : []), ...inside];
  }
  if (schema instanceof z.ZodDefault) return keysOf(path, inner(schema), false, schema.def.defaultValue);
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return keysOf(path, inner(schema), false, undefined);
  }
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, value]) =>
      keysOf([...path, key], value, true, undefined),
    );
  }
  const item = schema instanceof z.ZodArray ? '[]' : schema instanceof z.ZodRecord ? '*' : undefined;
  if (item === undefined) return [found];
  const value = (schema instanceof z.ZodArray ? schema.element : (schema as z.ZodRecord).valueType) as z.ZodType;
  const inside = keysOf([...path, item], value, true, undefined);
  const isLeaf = inside.length === 1 && inside[0]?.path.length === path.length + 1;
  const shown = path.at(-1) === 'workers' ? [] : [found];
  return isLeaf ? [found] : [...shown, ...inside];
}

function inner(schema: z.ZodDefault | z.ZodPrefault | z.ZodOptional): z.ZodType {
  return schema.def.innerType as z.ZodType;
}

/** What a refusal says that is allowed. */
function ruleOf(schema: z.ZodType): string {
  const refusal = schema.safeParse(Symbol('nothing that is allowed')).error?.issues[0]?.message ?? '';
  return refusal.split('; allowed is ')[1] ?? '';
}

function defaultOf({ path, required, default: given }: Found): string {
  const [process = '', ...key] = path;
  if (isProcess(process)) {
    const names = process === 'migration' ? [] : (['web', 'worker', 'scheduler', 'migration'] as const);
    const values = names
      .map((name) => ({ name, value: at(PROCESS_DEFAULTS[name], process === 'workers' ? key.slice(1) : key) }))
      .filter(({ value }) => value !== undefined);
    if (values.length > 0) return perName(values);
  }
  const values = Object.entries(PRESETS).map(([name, preset]) => ({ name, value: at(preset, path) ?? given }));
  if (values.some(({ value }) => value !== given)) return perName(values);
  if (given !== undefined) return print(given);
  return required ? 'required' : 'none';
}

function isProcess(name: string): boolean {
  return ['web', 'workers', 'scheduler', 'migration'].includes(name);
}

function at(value: unknown, path: Path): unknown {
  const [key, ...deeper] = path;
  if (key === undefined) return value;
  return isObject(value) ? at(value[key], deeper) : undefined;
}

function perName(values: readonly { readonly name: string; readonly value: unknown }[]): string {
  const [first, ...others] = values.filter(({ value }) => value !== undefined);
  if (others.length > 0 && others.every(({ value }) => value === first?.value)) return print(first?.value);
  return [first, ...others]
    .map((each) => `${each?.name ?? ''} ${isObject(each?.value) ? 'a node of its own' : print(each?.value)}`)
    .join(', ');
}

function print(value: unknown): string {
  return `\`${JSON.stringify(value).replaceAll('"', "'").replaceAll(',', ', ')}\``;
}
