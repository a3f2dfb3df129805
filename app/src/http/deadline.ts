/** Seconds that a request waits for the database at most, whatever hangs. */
export const DATABASE_DEADLINE_SECONDS = 5;

/** The database did not answer in time. What was asked of it may still happen. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  constructor(seconds: number) {
    super(`no answer from the database within ${seconds} s`);
  }
}

/**
 * Waits for `work`, but no longer than `seconds`.
 * @throws DeadlineError when it takes longer; its later result or error is then ignored.
 */
export async function inTime<T>(work: Promise<T>, seconds = DATABASE_DEADLINE_SECONDS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(seconds)), seconds * 1000);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
