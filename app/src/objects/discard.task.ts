import { z } from 'zod';
import { defineTask, handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import type { ObjectStore } from './object-store';

/**
 * Deletes an object that has done its service. A task of its own, accepted in the transaction that completes the last
 * user of the object: before that commit a retry still needs the object, after it the worker may die.
 */
export const discardObject = defineTask({
  name: 'objects.discard',
  priority: 'low',
  attempts: 20,
  payload: z.strictObject({ key: z.string() }),
});

export function discardObjectHandler(objects: ObjectStore): TaskHandler {
  return handle(discardObject, async ({ payload }) => {
    await objects.delete(payload.key);
  });
}
