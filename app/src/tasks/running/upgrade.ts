import type { TaskDefinition } from '../definition';
import { NonRetryable } from '../errors';
import { describe } from './describe';

/**
 * A payload as the definition's version has it, from that of an older one, step by step.
 * @throws NonRetryable when a step throws: another attempt would throw the same.
 */
export function upgraded(definition: TaskDefinition, version: number, payload: unknown): unknown {
  let current = payload;
  for (let from = version; from < definition.version; from += 1) {
    const step = definition.upgrade[from];
    if (step === undefined) throw new NonRetryable(`there is no upgrade from version ${from} of ${definition.name}`);
    try {
      current = step(current);
    } catch (error) {
      const steps = `from version ${from} to ${from + 1}`;
      throw new NonRetryable(`the payload cannot be upgraded ${steps}: ${describe(error)}`, { cause: error });
    }
  }
  return current;
}
