import { ObjectKeyError, ObjectMissingError, ObjectStoreAwayError, ObjectTooLargeError } from './object-store';
import type { ObjectStore } from './object-store';
import { remembering } from './remembering';

/**
 * The same store, whose own failures are an ObjectStoreAwayError each, apart from those of the streams that it stores:
 * a server answers the former with 503, the latter are its client's.
 */
export function tellAway(objects: ObjectStore): ObjectStore {
  return {
    put: async (key, source, options) => {
      const failure: { error?: unknown } = {};
      try {
        return await objects.put(key, remembering(source, failure), options);
      } catch (error) {
        throw 'error' in failure ? failure.error : told(error);
      }
    },
    get: (key, options) => objects.get(key, options).catch(rethrow),
    delete: (key) => objects.delete(key).catch(rethrow),
    stat: (key) => objects.stat(key).catch(rethrow),
    list: (prefix) => objects.list(prefix),
  };
}

function rethrow(error: unknown): never {
  throw told(error);
}

function told(error: unknown): unknown {
  const isAnswer = [ObjectKeyError, ObjectMissingError, ObjectTooLargeError].some((known) => error instanceof known);
  return isAnswer ? error : new ObjectStoreAwayError(error);
}
