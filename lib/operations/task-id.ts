import { usageError } from './exit-codes';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws OperationsError when the word cannot be a task's id: the app would only say so later. */
export function taskId(word = ''): string {
  if (UUID.test(word)) return word.toLowerCase();
  throw usageError(
    `The task is "${word}"; allowed is a task's id such as 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11, as the answer to its request and the admin area show it.`,
  );
}
