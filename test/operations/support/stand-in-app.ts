import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

/** Answers POST /api/probes; left unanswered where it does not end the response. */
export type AcceptProbes = (response: ServerResponse, accept: () => void) => void;

export interface StandInApp {
  /** `host:port` */
  readonly address: string;
  acceptProbes: AcceptProbes;
  stop(): Promise<void>;
}

/** Answers what a drill asks an app for: one living worker, and probes that are done as soon as they are accepted. */
export async function startStandInApp(): Promise<StandInApp> {
  const done: object[] = [];
  const answer = (response: ServerResponse, body: object): void => void response.end(JSON.stringify(body));
  const accept = (response: ServerResponse): void => {
    const now = new Date().toISOString();
    const id = `probe-${done.length}`;
    done.push({ id, state: 'done', attempt: 1, acceptedAt: now, finishedAt: now });
    answer(response, { taskIds: [id] });
  };
  const app = { acceptProbes: (_response: ServerResponse, asked: () => void): void => asked() };
  const server = createServer(({ url = '' }: IncomingMessage, response) => {
    if (url === '/api/probes') app.acceptProbes(response, () => accept(response));
    else if (url === '/api/queues') {
      const worker = { draining: false, queues: ['probes'], concurrency: 1, source: 'redis' };
      answer(response, { workers: [worker], queues: [] });
    } else if (url.startsWith('/api/tasks?')) answer(response, { items: [...done].reverse(), next: null });
    else answer(response, done.find((task) => url.endsWith((task as { id: string }).id)) ?? {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(app, {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
