import * as api from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import { z } from 'zod';
import { defineTask, handle } from '../../src/tasks';
import { currentTrace } from '../../src/tracing/current-trace';
import { openTracing } from '../../src/tracing/open-tracing';
import { SpanTracing } from '../../src/tracing/span-tracing';
import { ADMIN, eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const logger = pino({ level: 'silent' });

describe('tracing', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let test_: TestApp;

  beforeAll(async () => {
    test_ = await startTestApp({ tracing: new SpanTracing(api, provider, 1000) });
  });
  afterAll(() => test_.close());

  const spanOf = (name: string) =>
    eventually(() => exporter.getFinishedSpans().find((span) => span.name === name), `a span ${name}`);

  test('writes nothing of health checks, nor of a caller that does not sample', async () => {
    await test_.request({ url: '/healthz' });
    await test_.request({ url: '/api/films', headers: { traceparent: PARENT.replace(/01$/, '00') } });
    await test_.request({ url: '/api/queues', headers: ADMIN });
    await spanOf('GET /api/queues');
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['GET /api/queues']);
  });

  test('goes on into what a task does during its run and in its effects', async () => {
    const seen: (string | undefined)[] = [];
    const definition = defineTask({ name: 'trace.parent', queue: 'default', payload: z.null() });
    const { id } = await test_.tasks.accept(definition, null, { trace: PARENT });
    await test_.startWorker([
      handle(definition, async (context) => {
        await Promise.resolve();
        seen.push(currentTrace());
        context.effects(async () => {
          await Promise.resolve();
          seen.push(currentTrace());
        });
      }),
    ]);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    const { traceId, spanId } = (await spanOf('task trace.parent')).spanContext();
    expect(traceId).toBe(PARENT.split('-')[1]);
    expect(seen).toEqual([`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]);
  });

  test('is nothing without an endpoint', async () => {
    expect(await openTracing({ process: 'test', logger })).toBeUndefined();
  });

  test('closes in time when the receiver is away', async () => {
    const tracing = await openTracing({ otlpEndpoint: 'http://127.0.0.1:9', process: 'test', logger });
    tracing?.startRequest('GET', undefined).end({ route: '/', status: 200 });
    await tracing?.close();
  });
});
