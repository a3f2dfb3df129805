import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();

/** The W3C traceparent of the request or task that is being handled. */
export function currentTrace(): string | undefined {
  return current.getStore();
}

/** What `run` does, and what it goes on to do later, belongs to this trace. */
export function runInTrace<T>(traceparent: string, run: () => T): T {
  return current.run(traceparent, run);
}
