import type { FastifyRequest } from 'fastify';
import { Problem } from './problem';
import type { App } from './app';

/** JSON is the only body that routes take which do not say otherwise. */
export const BODY_TYPE = 'application/json';

/** Parses JSON bodies; says where one is malformed. An empty body counts as none. */
export function acceptJsonBodies(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(BODY_TYPE, { parseAs: 'string' }, async (_request: FastifyRequest, text: string) => {
    await Promise.resolve();
    return text === '' ? undefined : parse(text);
  });
}

function parse(text: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new Problem(400, `The body is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  // Schemas cannot see this name, and merging such an object would change what all objects inherit.
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, '__proto__')) {
    throw new Problem(400, 'The body has a field named __proto__, which is not allowed.');
  }
  return body;
}
