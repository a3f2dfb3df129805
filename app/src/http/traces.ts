import { randomUUID } from 'node:crypto';
import { runInTrace } from '../tracing/current-trace';
import type { RequestSpan, Tracing } from '../tracing/tracing';
import type { App } from './app';
import { QUIET_ROUTES, routeOf } from './request-log';

interface Trace {
  readonly traceparent: string;
  readonly traceId: string;
}

/** Later versions begin like version 00: https://www.w3.org/TR/trace-context/#versioning-of-traceparent */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** 32 digits, of which neither half is ever all zeros. Node.js draws UUIDs' random bytes in advance, for many at once. */
const randomHex = (): string => randomUUID().replaceAll('-', '');

/** The caller's `traceparent` when it is one, else a new one that nobody samples. */
export function traceOf(header: string | string[] | undefined): Trace {
  const [, id, parent, flags] = (typeof header === 'string' ? TRACEPARENT.exec(header) : undefined) ?? [];
  const traceId = id ?? randomHex();
  const parentId = parent ?? randomHex().slice(16);
  return { traceId, traceparent: `00-${traceId}-${parentId}-${flags ?? '00'}` };
}

/**
 * Every log line of a request carries the id of its trace, and tasks that it accepts belong to the same one. With
 * `tracing` the request is a span of it, unless only the platform's health checks asked.
 */
export function carryTraces(app: App, tracing: Tracing | undefined): void {
  const traces = new WeakMap<object, Trace>();
  const spans = new WeakMap<object, RequestSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const trace = traceOf(request.headers['traceparent']);
    if (tracing === undefined || QUIET_ROUTES.has(routeOf(request))) traces.set(request.raw, trace);
    else {
      const given = request.headers['traceparent'] === undefined ? undefined : trace.traceparent;
      const span = tracing.startRequest(request.method, given);
      spans.set(request.raw, span);
      traces.set(request.raw, traceOf(span.traceparent));
    }
    request.log = request.log.child({ traceId: traces.get(request.raw)?.traceId });
    done();
  });
  // After the body was read: its events belong to the connection, not to this request.
  app.addHook('preHandler', (request, _reply, done) => {
    const trace = traces.get(request.raw);
    if (trace === undefined) done();
    else runInTrace(trace.traceparent, done);
  });
  if (tracing === undefined) return;
  app.addHook('onRequestAbort', (request, done) => {
    spans.get(request.raw)?.end({ route: routeOf(request), status: undefined });
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    spans.get(request.raw)?.end({ route: routeOf(request), status: reply.statusCode });
    done();
  });
}
