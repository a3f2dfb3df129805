import { existsSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { ConfigurationError } from './config';
import { similarTo } from './config/similar';
import type { Deployment } from './deployment-stage';

/** The file that is read when `-c config=…` names none. */
export const DEFAULT_FILE = 'holdfast.config.ts';

const EXPORTS = ['default', 'customize'] as const;

/**
 * Reads what a configuration file exports; the configuration itself is checked when a stage is loaded.
 * @param file relative to the folder that the command runs in.
 * @throws ConfigurationError that says what the file lacks, or why it cannot be read.
 */
export async function readDeployment(file: string): Promise<Deployment> {
  const path = resolve(file);
  const refuse = (sentence: string): never => {
    throw new ConfigurationError([sentence]);
  };
  if (file.trim() === '') {
    refuse(`The configuration file's name is empty; allowed is a file: pass -c config=${DEFAULT_FILE}, or nothing.`);
  }
  if (!existsSync(path)) {
    refuse(
      `The configuration file is "${file}", and there is no ${path}; allowed is a file, relative to the folder that the command runs in: correct -c config=….`,
    );
  }
  if (!statSync(path).isFile()) {
    refuse(
      `The configuration file is "${file}", which is a folder; allowed is a file: pass -c config=${relative('', resolve(path, DEFAULT_FILE))}.`,
    );
  }
  const exported = await importFile(path, file);
  const { default: configuration, customize } = exported;
  if (!isExports(configuration) || Array.isArray(configuration) || Object.keys(configuration).length === 0) {
    refuse(
      `${file} exports ${configuration === undefined || isEmpty(configuration) ? 'no default' : `${kindOf(configuration)} as default`}; allowed is an object: write export default defineConfiguration({ … }).`,
    );
  }
  for (const key of Object.keys(exported)) {
    const meant = similarTo(key, EXPORTS);
    if (meant !== undefined && !EXPORTS.some((allowed) => allowed === key)) {
      refuse(`${file} exports "${key}"; allowed are default and customize: rename it to ${meant}.`);
    }
  }
  if (customize !== undefined && typeof customize !== 'function') {
    refuse(
      `${file} exports ${kindOf(customize)} as customize; allowed is a function: write export function customize(stacks, stage) { … }.`,
    );
  }
  return exported as unknown as Deployment;
}

type Exports = Readonly<Record<string, unknown>>;

async function importFile(path: string, file: string): Promise<Exports> {
  try {
    return exportsOf((await import(path)) as Exports);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError([`${file} cannot be read: ${whyOf(error, path)}.`], { cause: error });
  }
}

/** Node.js gives a file in CommonJS as one default, beside copies of its exports. */
const OF_NODE: readonly string[] = ['module.exports', '__esModule'];

function exportsOf(imported: Exports): Exports {
  const inner = imported['default'];
  const exported = isExports(inner) && inner['__esModule'] === true ? inner : imported;
  return Object.fromEntries(
    Object.keys(exported).flatMap((key) => (OF_NODE.includes(key) ? [] : [[key, exported[key]]])),
  );
}

function isExports(value: unknown): value is Exports {
  return typeof value === 'object' && value !== null;
}

/** The first line that says something, and where in the file, as far as that can be told. */
function whyOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return `it throws ${String(error)}`;
  const [first = '', second = ''] = error.message.split('\n');
  // esbuild: "Transform failed with 1 error:", then the place and the error itself.
  const message = /^Transform failed/.test(first) ? second : `${error.name}: ${first}`;
  const place = error.stack?.split('\n').find((line) => /^\s+at /.test(line) && line.includes(path));
  const [, line] = new RegExp(`${escape(path)}:(\\d+)`).exec(place ?? '') ?? [];
  const where = line === undefined || message.includes(path) ? '' : ` (line ${line})`;
  return `${message.replace(/\.$/, '')}${where}`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What Node.js gives as the default of a file in CommonJS that exports nothing. */
function isEmpty(value: unknown): boolean {
  return isExports(value) && !Array.isArray(value) && Object.keys(value).length === 0;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}
