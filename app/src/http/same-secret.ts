import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in constant time; of digests, which have one length, so that nothing tells the secret's. */
export function isSameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
