import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from './problem';

const RULE =
  'a string in quotes, or text without spaces, commas and quotes, of 1 to 255 printable ASCII characters, such as a random uuid';

/** For the `headers` of a route that accepts tasks. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      `Makes the request repeatable for 24 hours: the same key and content get the same answer, other content under it 422. It is ${RULE}.`,
    ),
});

/**
 * The key of the request, quoted as in draft-ietf-httpapi-idempotency-key-header or, as many clients send it, bare.
 * @throws Problem 400 when the header is neither.
 */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const text = String(given);
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1');
  const key = quoted ?? /^[\x21\x23-\x2b\x2d-\x7e]+$/.exec(text)?.[0];
  if (key !== undefined && key.length >= 1 && key.length <= 255) return key;
  throw new Problem(400, `The header Idempotency-Key is not allowed so; allowed is ${RULE}.`);
}
