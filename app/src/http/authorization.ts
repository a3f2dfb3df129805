import type { FastifyRequest } from 'fastify';
import { ENVIRONMENT } from '../contract';
import { Problem } from './problem';
import { isSameSecret } from './same-secret';

/** Lets administrators pass. @throws Problem for everybody else */
export type Authorize = (request: FastifyRequest) => Promise<void>;

/** For a public route that shows administrators more: whether this is one. */
export function isAdministrator(authorize: Authorize, request: FastifyRequest): Promise<boolean> {
  return authorize(request).then(
    () => true,
    () => false,
  );
}

/** For a route's schema: what the documentation shows for administration routes. */
export const administration = { security: [{ administration: [] }] };

/** The same for public routes that show administrators more. */
export const moreForAdministrators = { security: [{}, { administration: [] }] };

/**
 * A hook that lets administrators pass: `Authorization: Bearer <token>`, compared in constant time.
 * @param token undefined when none is configured; nobody passes then.
 */
export function authorizeAdministrator(token: string | undefined): Authorize {
  return (request) => {
    if (token === undefined) {
      return Promise.reject(
        new Problem(403, `Administration is switched off; set ${ENVIRONMENT.adminToken} to switch it on.`),
      );
    }
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && isSameSecret(given, token)) return Promise.resolve();
    const detail =
      given === undefined
        ? 'This route is for administrators; send Authorization: Bearer <token>.'
        : 'The token is wrong; send the one that this stage was given.';
    return Promise.reject(new Problem(401, detail, { headers: { 'www-authenticate': 'Bearer realm="holdfast"' } }));
  };
}
