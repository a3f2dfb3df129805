import { isValidName, nameRule, PRIORITIES } from '../definition';
import type { PayloadInput, TaskDefinition } from '../definition';
import { DefinitionError } from '../errors';
import type { AcceptOptions } from '../types';
import { checkTiming } from './timing';
import type { Timing } from './timing';

/** What becomes of ticks that were due while no scheduler ran. */
export const CATCH_UPS = ['all', 'latest', 'none'] as const;
export type CatchUp = (typeof CATCH_UPS)[number];

interface CommonScheduleProps<D extends TaskDefinition> extends Pick<AcceptOptions, 'queue' | 'priority' | 'attempts'> {
  /** Unique and stable: what was ticked is found again by it. Lower case, digits, dots and dashes. */
  readonly name: string;
  /** What each tick accepts. */
  readonly task: D;
  /** The task's payload, or what makes it for a tick. One that throws holds its tick back until it does not. */
  readonly payload: PayloadInput<D> | ((tick: Date) => PayloadInput<D>);
  /**
   * `all` accepts each missed tick, at most the last 100; `latest` the last one; `none` only those of the last minute.
   * @default 'latest'
   */
  readonly catchUp?: CatchUp;
  /**
   * Raise it with every change of `every`, `cron` or `zone`: it takes effect when a scheduler with the higher version
   * starts, and those with a lower one leave the schedule alone from then on. 1 to 32,767. @default 1
   */
  readonly version?: number;
}

interface IntervalProps {
  /** Whole seconds between two ticks, 1 to 31,622,400 (366 days). Ticks are multiples of it since 1970, in UTC. */
  readonly every: number;
  readonly cron?: never;
  readonly zone?: never;
}

interface CronProps {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name of the zone whose clock `cron` means. @default 'UTC' */
  readonly zone?: string;
  readonly every?: never;
}

export type ScheduleProps<D extends TaskDefinition> = CommonScheduleProps<D> & (IntervalProps | CronProps);

export interface ScheduleDefinition {
  readonly name: string;
  readonly task: TaskDefinition;
  readonly payload: (tick: Date) => unknown;
  readonly timing: Timing;
  readonly catchUp: CatchUp;
  readonly version: number;
  readonly options: Pick<AcceptOptions, 'queue' | 'priority' | 'attempts'>;
}

const MAX_EVERY_SECONDS = 366 * 24 * 3600;

/**
 * Defines what is accepted again and again. It does so while some process runs `tasks.startScheduler` with it.
 * @throws DefinitionError naming the field, the value given and what is allowed.
 */
export function defineSchedule<D extends TaskDefinition>(props: ScheduleProps<D>): ScheduleDefinition {
  const { name, task, payload, queue, priority, attempts } = props;
  const where = `schedule '${name}'`;
  if (!isValidName(name)) throw new DefinitionError(where, 'name', name, nameRule);
  const version = props.version ?? 1;
  if (!isWhole(version, 32_767)) throw new DefinitionError(where, 'version', version, 'a whole number from 1 to 32767');
  const catchUp = props.catchUp ?? 'latest';
  if (!CATCH_UPS.includes(catchUp)) {
    throw new DefinitionError(where, 'catchUp', catchUp, `one of ${CATCH_UPS.join(', ')}`);
  }
  if (queue !== undefined && !isValidName(queue)) throw new DefinitionError(where, 'queue', queue, nameRule);
  if (priority !== undefined && !PRIORITIES.includes(priority)) {
    throw new DefinitionError(where, 'priority', priority, `one of ${PRIORITIES.join(', ')}`);
  }
  if (attempts !== undefined && !isWhole(attempts, 100)) {
    throw new DefinitionError(where, 'attempts', attempts, 'a whole number from 1 to 100');
  }
  const timing = timingOf(where, props);
  checkTiming(where, timing);
  checkFixedPayload(where, task, payload);
  return {
    ...{ name, task, timing, catchUp, version },
    payload: isFunction(payload) ? payload : () => payload,
    options: {
      ...(queue === undefined ? {} : { queue }),
      ...(priority === undefined ? {} : { priority }),
      ...(attempts === undefined ? {} : { attempts }),
    },
  };
}

/** Both fields at once, or none, pass no type check; JavaScript and casts do. */
function timingOf(
  where: string,
  { every, cron, zone }: { readonly every?: number | undefined; readonly cron?: string | undefined; zone?: string },
): Timing {
  if (every !== undefined) {
    if (cron !== undefined) throw new DefinitionError(where, 'cron', cron, 'nothing beside `every`');
    if (zone !== undefined)
      throw new DefinitionError(where, 'zone', zone, 'nothing beside `every`, which knows no zones');
    if (!isWhole(every, MAX_EVERY_SECONDS)) {
      throw new DefinitionError(where, 'every', every, `a whole number of seconds from 1 to ${MAX_EVERY_SECONDS}`);
    }
    return { every };
  }
  if (cron === undefined) throw new DefinitionError(where, 'every', null, 'a number of seconds, or `cron` instead');
  return { cron, zone: zone ?? 'UTC' };
}

function checkFixedPayload(where: string, task: TaskDefinition, payload: unknown): void {
  if (typeof payload === 'function') return;
  const checked = task.payload.safeParse(payload);
  if (checked.success) return;
  const issue = checked.error.issues[0];
  const path = ['payload', ...(issue?.path ?? [])].map(String).join('.');
  throw new DefinitionError(
    where,
    path,
    payload,
    `what task '${task.name}' takes (${issue?.message ?? 'it does not fit'})`,
  );
}

function isFunction<Payload>(payload: Payload | ((tick: Date) => Payload)): payload is (tick: Date) => Payload {
  return typeof payload === 'function';
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}
