import helmet from '@fastify/helmet';
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { App } from './app';
import { answerClientError } from './client-error';
import { documentApi } from './documentation';
import { closeIdleConnectionsWhileClosing } from './idle-connections';
import type { Tracing } from '../tracing/tracing';
import { acceptJsonBodies } from './json-body';
import { rememberRoutes } from './known-routes';
import { isNearestProxy } from './nearest-proxy';
import { Problem, PROBLEM_CONTENT_TYPE, problemDocument } from './problem';
import { pathOf } from './path-of';
import { MAX_PARAMETER_LENGTH, problemOf } from './problem-of';
import { logRequests, requestId } from './request-log';
import type { FinishedRequest } from './request-log';
import { carryTraces } from './traces';

/** Longest body of a route that does not say otherwise, in bytes. */
const BODY_LIMIT_BYTES = 64 * 1024;
/** A load balancer reuses idle connections for 60 s (AWS ALB's default); ours must outlive that. */
const KEEP_ALIVE_MS = 72_000;
/** The largest upload over a slow line (50 MiB at 1 Mbit/s takes 420 s). */
const REQUEST_TIMEOUT_MS = 600_000;

export interface ServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly onFinished: (finished: FinishedRequest) => void;
  /** Answers people with a page where programs get a problem document. */
  readonly sendProblemPage: SendProblem;
  /** @default requests are in no span */
  readonly tracing?: Tracing | undefined;
}

export type SendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** A server with logging, security headers, documentation and problems, without routes of its own. */
export async function createServer(options: ServerOptions): Promise<App> {
  const answer = problemAnswerer(options.sendProblemPage);
  const app: App = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => requestId(request.headers),
    trustProxy: isNearestProxy,
    return503OnClosing: false,
    bodyLimit: BODY_LIMIT_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void answer(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  acceptJsonBodies(app);
  closeIdleConnectionsWhileClosing(app);
  const methodsOf = rememberRoutes(app);
  carryTraces(app, options.tracing);
  logRequests(app, options.onFinished);
  app.setErrorHandler((error, request, reply) => answer(error, request, reply));
  app.setNotFoundHandler((request, reply) => answer(notFound(request, methodsOf(pathOf(request))), request, reply));
  await app.register(helmet, {
    // The server itself speaks plain HTTP behind a load balancer; upgrading would break it where there is none.
    contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
  });
  await documentApi(app);
  return app;
}

type Answer = (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

function problemAnswerer(sendPage: SendProblem): Answer {
  return async (error, request, reply) => {
    await Promise.resolve();
    const problem = problemOf(error, request);
    if (problem.status >= 500) {
      const level = problem.status === 503 ? 'warn' : 'error';
      request.log[level]({ err: problem.cause ?? problem, status: problem.status }, 'request failed');
    }
    void reply.code(problem.status).headers(problem.headers);
    if (wantsPage(request)) return sendPage(problem, request, reply);
    return reply.type(PROBLEM_CONTENT_TYPE).send(JSON.stringify(problemDocument(problem, pathOf(request))));
  };
}

/** Whether a person with a browser reads the answer. */
function wantsPage(request: FastifyRequest): boolean {
  return !pathOf(request).startsWith('/api/') && (request.headers.accept ?? '').includes('text/html');
}

function notFound(request: FastifyRequest, methods: readonly string[]): Problem {
  const path = pathOf(request);
  if (methods.length === 0 || methods.includes(request.method))
    return new Problem(404, `There is nothing at ${path}; /docs lists what there is.`);
  const allow = methods.join(', ');
  return new Problem(405, `${request.method} is not possible at ${path}; allowed is ${allow}.`, { headers: { allow } });
}
