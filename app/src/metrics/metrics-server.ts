import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { PATHS } from '../contract';

export interface MetricsServer {
  /** The port that it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly registry: Registry;
  /** Brings gauges up to date; run before each answer. */
  readonly refresh: readonly (() => void | Promise<void>)[];
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly logger: Logger;
}

/** Serves /metrics in Prometheus' text format and /healthz, apart from the app's port: neither is for the public. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { logger } = options;
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      logger.error({ err: error }, 'metrics failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const port = portOf(server);
  logger.info({ port }, 'metrics listening');
  return {
    port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

async function answer(
  options: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else if (path === PATHS.health) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"up"}\n');
  } else if (path === '/metrics') {
    for (const refresh of options.refresh) await refresh();
    response.writeHead(200, { 'content-type': options.registry.contentType }).end(await options.registry.metrics());
  } else {
    response
      .writeHead(404, { 'content-type': 'text/plain' })
      .end(`There are only /metrics and ${PATHS.health} here.\n`);
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
