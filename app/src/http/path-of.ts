import type { FastifyRequest } from 'fastify';

/** The request's path without its query. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
