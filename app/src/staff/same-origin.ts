import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem';

/**
 * Refuses a form that another site sent: every browser says in Sec-Fetch-Site or Origin where a request began.
 * https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html#fetch-metadata-headers
 * @throws Problem 403
 */
export function refuseOtherSites(request: FastifyRequest): Promise<void> {
  const site = request.headers['sec-fetch-site'];
  const { origin, host } = request.headers;
  const foreign = site === undefined ? origin !== undefined && hostOf(origin) !== host : !OWN.includes(site);
  if (['GET', 'HEAD'].includes(request.method) || !foreign) return Promise.resolve();
  return Promise.reject(new Problem(403, 'This form was sent from another site; open it here and send it again.'));
}

/** `none`: the person did it, for example by reloading. */
const OWN = ['same-origin', 'none'];

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
