import { AsyncResource } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type * as Api from '@opentelemetry/api';
import type { AttemptEvent, TaskContext, TaskDefinition, TaskHandler, Tasks } from '../tasks';
import { runInTrace } from './current-trace';
import type { RequestSpan, Tracing } from './tracing';

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;
/** After a handler, until the attempt's end is in the ledger; a worker that lost its lease never hears of one. */
const OUTCOME_MS = 30_000;

interface Provider {
  getTracer(name: string): Api.Tracer;
  shutdown(): Promise<void>;
}

interface OpenAttempt {
  readonly span: Api.Span;
  timer?: NodeJS.Timeout;
}

/** Tracing by OpenTelemetry, whose packages are handed in, so that they are loaded only where they are used. */
export class SpanTracing implements Tracing {
  private readonly tracer: Api.Tracer;
  private readonly attempts = new Map<string, OpenAttempt>();

  constructor(
    private readonly api: typeof Api,
    private readonly provider: Provider,
    private readonly closeMs: number,
  ) {
    this.tracer = provider.getTracer('holdfast');
  }

  startRequest(method: string, parent: string | undefined): RequestSpan {
    const { SpanKind, SpanStatusCode } = this.api;
    const options = { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } };
    const span = this.tracer.startSpan(method, options, this.contextOf(parent));
    return {
      traceparent: this.traceparentOf(span),
      end: ({ route, status }) => {
        if (!span.isRecording()) return;
        span.updateName(`${method} ${route}`);
        span.setAttribute('http.route', route);
        if (status === undefined) span.setAttribute('error.type', 'client gone');
        else span.setAttribute('http.response.status_code', status);
        if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  traceHandlers(tasks: Pick<Tasks, 'on'>, handlers: readonly TaskHandler[]): readonly TaskHandler[] {
    tasks.on('attempt', (event) => this.end(keyOf(event), event));
    return handlers.map((handler) => ({
      definition: handler.definition,
      run: async (context) => {
        const attempt = this.start(handler.definition, context);
        try {
          return await runInTrace(this.traceparentOf(attempt.span), () => handler.run(inTrace(context)));
        } finally {
          attempt.timer = setTimeout(() => this.end(keyOf(context), undefined), OUTCOME_MS).unref();
        }
      },
    }));
  }

  async close(): Promise<void> {
    for (const key of [...this.attempts.keys()]) this.end(key, undefined);
    await Promise.race([
      this.provider.shutdown().catch(() => undefined),
      pause(this.closeMs, undefined, { ref: false }),
    ]);
  }

  private start({ name }: TaskDefinition, context: TaskContext): OpenAttempt {
    const key = keyOf(context);
    // An attempt that was given back has the same number again.
    this.end(key, undefined);
    const attributes = {
      'holdfast.task.id': context.taskId,
      'holdfast.task.name': name,
      'holdfast.task.attempt': context.attempt,
    };
    const kind = this.api.SpanKind.CONSUMER;
    const span = this.tracer.startSpan(`task ${name}`, { kind, attributes }, this.contextOf(context.trace));
    const attempt: OpenAttempt = { span };
    this.attempts.set(key, attempt);
    return attempt;
  }

  /** @param event undefined when nobody knows how the attempt ended */
  private end(key: string, event: AttemptEvent | undefined): void {
    const attempt = this.attempts.get(key);
    if (attempt === undefined) return;
    this.attempts.delete(key);
    clearTimeout(attempt.timer);
    const { span } = attempt;
    span.setAttribute('holdfast.task.outcome', event?.outcome ?? 'unknown');
    if (event !== undefined) span.setAttribute('holdfast.task.queue', event.queue);
    if (event?.outcome === 'dead' || event?.outcome === 'retried') {
      // Without the message, which may repeat the payload.
      span.setStatus({ code: this.api.SpanStatusCode.ERROR });
      span.setAttribute('error.type', event.error instanceof Error ? event.error.name : typeof event.error);
    }
    span.end();
  }

  private contextOf(parent: string | undefined): Api.Context {
    const { ROOT_CONTEXT, trace } = this.api;
    const [, traceId, spanId, flags] = (parent === undefined ? undefined : TRACEPARENT.exec(parent)) ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: Number.parseInt(flags, 16),
      isRemote: true,
    });
  }

  private traceparentOf(span: Api.Span): string {
    const { traceId, spanId, traceFlags } = span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }
}

/** Effects are written later and elsewhere; tasks that they accept belong to the same trace. */
function inTrace(context: TaskContext): TaskContext {
  const effects: TaskContext['effects'] = (write) => context.effects(AsyncResource.bind(write));
  return Object.create(context, { effects: { value: effects, enumerable: true } }) as TaskContext;
}

function keyOf({ taskId, attempt }: { readonly taskId: string; readonly attempt: number }): string {
  return `${taskId}:${attempt}`;
}
