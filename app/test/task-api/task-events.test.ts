import { z } from 'zod';
import { defineTask, handle } from '../../src/tasks';
import { eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const stepwise = defineTask({ name: 'tests.stepwise', payload: z.object({}) });

interface Stream {
  readonly status: number;
  readonly headers: Headers;
  readonly text: () => string;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

let test_: TestApp;
let base: string;
let goOn: () => void;

beforeEach(async () => {
  test_ = await startTestApp();
  base = await test_.app.listen({ host: '127.0.0.1', port: 0 });
  const paused = new Promise<void>((resolve) => (goOn = resolve));
  await test_.startWorker([
    handle(stepwise, async (context) => {
      context.progress({ step: 1 });
      await paused;
    }),
  ]);
});
afterEach(async () => {
  goOn();
  await test_.close();
});

async function open(id: string, headers: Record<string, string> = {}): Promise<Stream> {
  const controller = new AbortController();
  const response = await fetch(`${base}/api/tasks/${id}/events`, { headers, signal: controller.signal });
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    if (response.body === null) return;
    for await (const part of response.body) text += decoder.decode(part, { stream: true });
  })();
  const ended = reading.catch(() => undefined);
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    ended,
    close: () => controller.abort(),
  };
}

function states(text: string): string[] {
  return [...text.matchAll(/^id: (.+)\nevent: task\ndata: (.+)$/gm)].map(
    (match) => (JSON.parse(match[2] ?? '') as { state: string }).state,
  );
}

/** How many of the engine's listeners remain is not ours to see; that a stream has ended is in the log. */
function finishedRequests(): number {
  return test_.logLines.filter((line) => line['route'] === '/api/tasks/:id/events' && 'msg' in line).length;
}

describe('GET /api/tasks/:id/events', () => {
  test('sends the task now and after each change, and ends with it', async () => {
    const { id } = await test_.tasks.accept(stepwise, {});
    const stream = await open(id);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(stream.headers.get('cache-control')).toBe('no-store');
    await eventually(() => (stream.text().includes('"progress":{"step":1}') ? true : undefined), 'progress is shown');
    goOn();
    await stream.ended;
    expect(stream.text()).toMatch(/^retry: 2000\n\n/);
    const seen = states(stream.text());
    expect(seen.at(-1)).toBe('done');
    expect(seen).toContain('running');
    const shown = JSON.parse(/.*data: (.+)\n\n$/s.exec(stream.text())?.[1] ?? '') as object;
    expect((await test_.request({ method: 'GET', url: `/api/tasks/${id}` })).json()).toMatchObject(shown);
  });

  test('sends a finished task once, and nothing to a client that has seen its end', async () => {
    goOn();
    const { id } = await test_.tasks.accept(stepwise, {});
    await untilFinished(test_.tasks, id);
    const stream = await open(id);
    await stream.ended;
    expect(states(stream.text())).toEqual(['done']);
    const lastId = /^id: (.+)$/m.exec(stream.text())?.[1] ?? '';
    expect((await open(id, { 'last-event-id': lastId })).status).toBe(204);
    expect((await open(id, { 'last-event-id': 'running-1-5' })).status).toBe(200);
  });

  test('ends when the client goes', async () => {
    const { id } = await test_.tasks.accept(stepwise, {});
    const stream = await open(id);
    await eventually(() => (states(stream.text()).length > 0 ? true : undefined), 'the first event');
    stream.close();
    await eventually(() => (finishedRequests() > 0 ? true : undefined), 'the server noticed');
  });

  test('ends when the server stops, so that it can', async () => {
    const { id } = await test_.tasks.accept(stepwise, {});
    const stream = await open(id);
    await eventually(() => (states(stream.text()).length > 0 ? true : undefined), 'the first event');
    await test_.app.close();
    await stream.ended;
    expect(states(stream.text())).not.toContain('done');
  });
});
