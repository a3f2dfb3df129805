import { isObject } from './values';

/** Where a value stands, as a person finds it: `stages.production.fleet.min`, or `fleet.min` in the common part. */
export type Locate = (...path: readonly string[]) => string;

/** Locations in a stage's resolved configuration, for those who have nothing else. */
export const inResolved: Locate = (...path) => path.join('.');

export interface Layers {
  readonly stage: string;
  /** What stands in the stage itself. */
  readonly own: unknown;
  readonly common: unknown;
  readonly preset: unknown;
}

/** A key that only stages have is looked for there. */
const ONLY_IN_STAGES: readonly string[] = ['account', 'region'];

/**
 * Locations in a configuration with stages: in the stage if the value stands there, else in the common part; a value
 * that comes from the stage's preset is changed in the stage.
 */
export function inLayers({ stage, own, common, preset }: Layers): Locate {
  return (...path) => {
    const inStage = stands(own, path) || (!stands(common, path) && (stands(preset, path) || isOfStages(path)));
    return [...(inStage ? ['stages', stage] : []), ...path].join('.');
  };
}

function isOfStages([key = '']: readonly string[]): boolean {
  return ONLY_IN_STAGES.includes(key);
}

/** Whether a layer has a value at a place. */
export function stands(value: unknown, path: readonly string[]): boolean {
  const [key, ...deeper] = path;
  if (key === undefined) return value !== undefined;
  if (Array.isArray(value)) return stands((value as readonly unknown[])[Number(key)], deeper);
  return isObject(value) && Object.hasOwn(value, key) && stands(value[key], deeper);
}
