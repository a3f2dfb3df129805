import { waitUntil } from '../../../local/servers/wait-until';

/**
 * Waits until `look` answers with something else than undefined or false, at most `limitSeconds`, and returns that.
 * Throws a sentence that says what was waited for in vain.
 */
export function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitSeconds = 10,
): Promise<T> {
  return waitUntil(what, look, { limitSeconds, everyMilliseconds: 10 });
}
