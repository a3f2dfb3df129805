import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { App } from './app';

interface Trace {
  readonly traceparent: string;
  readonly traceId: string;
}

/** Later versions begin like version 00: https://www.w3.org/TR/trace-context/#versioning-of-traceparent */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const current = new AsyncLocalStorage<Trace>();

/** The W3C traceparent of the request that is being handled. */
export function currentTrace(): string | undefined {
  return current.getStore()?.traceparent;
}

/** The caller's `traceparent` when it is one, else a new one that nobody samples. */
export function traceOf(header: string | string[] | undefined): Trace {
  const [, id, parent, flags] = (typeof header === 'string' ? TRACEPARENT.exec(header) : undefined) ?? [];
  const traceId = id ?? randomBytes(16).toString('hex');
  const parentId = parent ?? randomBytes(8).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${parentId}-${flags ?? '00'}` };
}

/** Every log line of a request carries the id of its trace, and tasks that it accepts belong to the same one. */
export function carryTraces(app: App): void {
  const traces = new WeakMap<object, Trace>();
  app.addHook('onRequest', (request, _reply, done) => {
    const trace = traceOf(request.headers['traceparent']);
    traces.set(request.raw, trace);
    request.log = request.log.child({ traceId: trace.traceId });
    done();
  });
  // After the body was read: its events belong to the connection, not to this request.
  app.addHook('preHandler', (request, _reply, done) => {
    const trace = traces.get(request.raw);
    if (trace === undefined) done();
    else current.run(trace, done);
  });
}
