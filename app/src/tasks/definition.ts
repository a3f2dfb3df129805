import type { z } from 'zod';
import { DefinitionError } from './errors';

/** The lanes of every queue, most urgent first. Few on purpose: each is one Redis list per queue. */
export const PRIORITIES = ['high', 'normal', 'low', 'bulk'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** How long to wait before the next attempt: first, first x factor, … capped, each spread by +- jitter. */
export interface Backoff {
  /** Seconds before the second attempt. @default 1 */
  readonly firstSeconds?: number;
  /** By what each further wait grows. @default 2 */
  readonly factor?: number;
  /** The longest wait in seconds. @default 3600 */
  readonly maxSeconds?: number;
  /** Share of the wait that is random, 0 to 1, so that failures do not come back in step. @default 0.2 */
  readonly jitter?: number;
}

/** How much of what a handler logs is kept in the ledger. */
export interface KeptLog {
  /** Lines of each attempt, 1 to 10,000; one more then says that there were more. */
  readonly lines: number;
}

/** Makes the payload of the next version out of that of one version. Annotate `old` as that version had it. */
export type Upgrade = { step(old: unknown): unknown }['step'];

export interface TaskDefinitionProps<
  Name extends string,
  Schema extends z.ZodType,
  Result extends z.ZodType | undefined = undefined,
> {
  /** Unique and stable: tasks in the ledger are found again by it. Lower case, digits, dots and dashes. */
  readonly name: Name;
  /** What the payload must be, checked at accept and again before the handler runs. */
  readonly payload: Schema;
  /** Version of the payload's shape; a worker only claims the versions that it knows. @default 1 */
  readonly version?: number;
  /**
   * How payloads of older versions become this one's: by the version that a step begins with, without a gap up to this one
   * (`{ 1: (old: V1) => v2, 2: (old: V2) => v3 }` for version 3). Workers then run these versions too. A step that throws
   * makes the task dead. @default none: only this version is run
   */
  readonly upgrade?: Readonly<Record<number, Upgrade>>;
  /** @default 'default' */
  readonly queue?: string;
  /** @default 'normal' */
  readonly priority?: Priority;
  /** Attempts before the task is dead, 1 to 100. @default 5 */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  /** Seconds that one attempt may take before its signal aborts, 1 to 86,400. @default 60 */
  readonly timeLimitSeconds?: number;
  /**
   * What the handler must return, checked as JSON when it has returned; anything else makes the task dead at once.
   * @default whatever it returns is kept
   */
  readonly result?: Result;
  /**
   * Whether another attempt may help after this error (also AttemptAborted at the time limit); false makes the task dead
   * at once. One that throws counts as true. @default true for all but NonRetryable
   */
  readonly retryIf?: (error: unknown) => boolean;
  /** Keeps what the handler logs, readable by `tasks.log`. `true` means 100 lines an attempt. @default false */
  readonly keepLog?: boolean | KeptLog;
}

export interface TaskDefinition<
  Name extends string = string,
  Schema extends z.ZodType = z.ZodType,
  Result extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly name: Name;
  readonly payload: Schema;
  readonly result: Result;
  readonly version: number;
  readonly upgrade: Readonly<Partial<Record<number, Upgrade>>>;
  readonly queue: string;
  readonly priority: Priority;
  readonly attempts: number;
  readonly backoff: Required<Backoff>;
  readonly timeLimitSeconds: number;
  readonly retryIf: ((error: unknown) => boolean) | undefined;
  readonly keepLog: KeptLog | undefined;
}

/** What callers pass in (before the schema's defaults and transforms). */
export type PayloadInput<D extends TaskDefinition> = z.input<D['payload']>;
/** What the handler gets. */
export type PayloadOutput<D extends TaskDefinition> = z.output<D['payload']>;
/** What the handler returns: what the definition's `result` takes, or anything that is JSON. */
export type HandlerResult<D extends TaskDefinition> = D['result'] extends z.ZodType ? z.input<D['result']> : unknown;

const DEFAULT_LOG_LINES = 100;
const MAX_LOG_LINES = 10_000;
const NAME = /^[a-z0-9][a-z0-9.-]{0,99}$/;

/**
 * Defines one kind of task. Web and worker share the definition; only workers need its handler.
 * @throws DefinitionError naming the field, the value given and what is allowed.
 */
export function defineTask<
  const Name extends string,
  Schema extends z.ZodType,
  Result extends z.ZodType | undefined = undefined,
>(props: TaskDefinitionProps<Name, Schema, Result>): TaskDefinition<Name, Schema, Result> {
  const definition = {
    name: props.name,
    payload: props.payload,
    version: props.version ?? 1,
    upgrade: props.upgrade ?? {},
    queue: props.queue ?? 'default',
    priority: props.priority ?? 'normal',
    attempts: props.attempts ?? 5,
    backoff: { firstSeconds: 1, factor: 2, maxSeconds: 3600, jitter: 0.2, ...props.backoff },
    timeLimitSeconds: props.timeLimitSeconds ?? 60,
    // Left out is undefined, which is what Result then stands for.
    result: props.result as Result,
    retryIf: props.retryIf,
    keepLog: keptLog(props.keepLog),
  };
  const where = `task '${props.name}'`;
  if (!NAME.test(definition.name)) throw new DefinitionError(where, 'name', definition.name, nameRule);
  if (!NAME.test(definition.queue)) throw new DefinitionError(where, 'queue', definition.queue, nameRule);
  if (!PRIORITIES.includes(definition.priority)) {
    throw new DefinitionError(where, 'priority', definition.priority, `one of ${PRIORITIES.join(', ')}`);
  }
  wholeNumber(where, 'version', definition.version, 1, 32_767);
  checkUpgrade(where, definition.version, definition.upgrade);
  wholeNumber(where, 'attempts', definition.attempts, 1, 100);
  wholeNumber(where, 'timeLimitSeconds', definition.timeLimitSeconds, 1, 86_400);
  within(where, 'backoff.firstSeconds', definition.backoff.firstSeconds, 0, 86_400);
  within(where, 'backoff.factor', definition.backoff.factor, 1, 10);
  within(where, 'backoff.maxSeconds', definition.backoff.maxSeconds, 0, 604_800);
  within(where, 'backoff.jitter', definition.backoff.jitter, 0, 1);
  if (definition.keepLog !== undefined) {
    wholeNumber(where, 'keepLog.lines', definition.keepLog.lines, 1, MAX_LOG_LINES);
  }
  return definition;
}

function keptLog(given: boolean | KeptLog | undefined): KeptLog | undefined {
  if (given === undefined || given === false) return undefined;
  return given === true ? { lines: DEFAULT_LOG_LINES } : given;
}

/** True when `name` may be the name of a queue or a task. */
export function isValidName(name: string): boolean {
  return NAME.test(name);
}

export const nameRule = 'lower-case letters, digits, dots and dashes, at most 100, starting with a letter or digit';

/** What a worker with this definition can run, `name@version`: its own version first, then those that it can upgrade. */
export function kindsOf({ name, version, upgrade }: TaskDefinition): string[] {
  const kinds = [`${name}@${version}`];
  for (let older = version - 1; upgrade[older] !== undefined; older -= 1) kinds.push(`${name}@${older}`);
  return kinds;
}

function checkUpgrade(where: string, version: number, upgrade: Readonly<Record<number, Upgrade>>): void {
  const from = Object.keys(upgrade);
  const allowed = `steps from versions before ${version}, without a gap up to it`;
  const possible = Array.from(from, (_, i) => String(version - from.length + i));
  if (from.every((one) => possible.includes(one)) && !possible.some((one) => Number(one) < 1)) return;
  throw new DefinitionError(where, 'upgrade', from.map(Number), allowed);
}

function wholeNumber(where: string, field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new DefinitionError(where, field, value, `a whole number from ${min} to ${max}`);
  }
}

function within(where: string, field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new DefinitionError(where, field, value, `a number from ${min} to ${max}`);
}
