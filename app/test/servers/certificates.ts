import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testFolder } from './private-servers';

export interface ServerCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A certificate authority of the test's own, which nobody trusts by itself. */
export interface CertificateAuthority {
  /** Its certificate in PEM. */
  readonly certificate: string;
  readonly certificateFile: string;
  /** A server's certificate for these subject alternative names, such as `DNS:localhost`. */
  issue(names: readonly string[]): ServerCertificate;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Made by openssl, valid for two days. */
export function certificateAuthority(): CertificateAuthority {
  const folder = testFolder('certificates');
  const file = (name: string) => join(folder, name);
  const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  );
  let issued = 0;
  return {
    certificate: readFileSync(file('ca.pem'), 'utf8'),
    certificateFile: file('ca.pem'),
    issue: (names) => {
      const [key, request, extensions, certificate] = ['key', 'csr', 'ext', 'pem'].map((end) =>
        file(`${issued}.${end}`),
      );
      issued += 1;
      openssl('req', ...KEY, '-keyout', key!, '-out', request!, '-subj', '/CN=server');
      writeFileSync(extensions!, `subjectAltName=${names.join(',')}\n`);
      const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
      openssl(
        'x509',
        '-req',
        '-in',
        request!,
        ...authority,
        '-days',
        '2',
        '-extfile',
        extensions!,
        '-out',
        certificate!,
      );
      return { certificateFile: certificate!, keyFile: key! };
    },
  };
}
