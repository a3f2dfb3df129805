/**
 * Calls something that ends when the signal is aborted, or after so many milliseconds. The timer keeps what it aborts:
 * a time-out to which only AbortSignal.any refers may be collected as garbage before it fires, and then nothing ends the
 * call (https://github.com/nodejs/node/pull/57867).
 * @throws what `call` throws when its signal is aborted: a DOMException TimeoutError after the time.
 */
export async function abortAfter<T>(
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')), ms);
  try {
    return await call(AbortSignal.any([signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}
