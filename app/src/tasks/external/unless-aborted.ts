/**
 * What the promise resolves to, or the signal's reason as an error once it has been aborted for `graceMs`. The promise goes
 * on; nothing of it is cancelled.
 */
export async function unlessAborted<T>(signal: AbortSignal, graceMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let begin = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    begin = () => {
      timer = setTimeout(() => {
        reject(signal.reason as Error);
      }, graceMs);
    };
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  }
}
