import { createHmac, hkdfSync } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ENVIRONMENT } from '../contract';
import { Problem } from '../http/problem';
import { isSameSecret } from '../http/same-secret';

const COOKIE = 'staff';
/** A working day. */
const SESSION_SECONDS = 12 * 3600;

/**
 * Sessions of the library's staff. The cookie holds when the session ends, signed with a key that is derived from the
 * password: nothing has to be kept, every web process knows it, and a new password ends all sessions.
 */
export class StaffSessions {
  private readonly key: Buffer | undefined;

  /** @param password undefined when none is configured: nobody is staff then. */
  constructor(private readonly password: string | undefined) {
    this.key = password === undefined ? undefined : Buffer.from(hkdfSync('sha256', password, '', 'staff sessions', 32));
  }

  /** @throws Problem 403 without a configured password */
  isPassword(given: string): boolean {
    if (this.password === undefined) {
      throw new Problem(403, `The staff area is switched off; set ${ENVIRONMENT.adminToken} to switch it on.`);
    }
    return isSameSecret(given, this.password);
  }

  open(request: FastifyRequest, reply: FastifyReply): void {
    const ends = String(Math.floor(Date.now() / 1000) + SESSION_SECONDS);
    void reply.setCookie(COOKIE, `${ends}.${this.sign(ends)}`, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: request.protocol === 'https',
      maxAge: SESSION_SECONDS,
    });
  }

  close(reply: FastifyReply): void {
    void reply.clearCookie(COOKIE, { path: '/' });
  }

  isStaff(request: FastifyRequest): boolean {
    const [ends = '', signature = ''] =
      (request.cookies as FastifyRequest['cookies'] | undefined)?.[COOKIE]?.split('.') ?? [];
    if (this.key === undefined || !/^\d{1,12}$/.test(ends) || Number(ends) * 1000 <= Date.now()) return false;
    return isSameSecret(signature, this.sign(ends));
  }

  private sign(text: string): string {
    return createHmac('sha256', this.key ?? '')
      .update(text)
      .digest('base64url');
  }
}
