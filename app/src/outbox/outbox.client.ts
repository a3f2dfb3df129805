import { Problem } from '../http/problem';
import { outboxContent } from './outbox-message';
import type { OutboxMessage } from './outbox-message';

const ANSWER_MS = 2_000;

/**
 * The messages of the catcher at `outboxUrl`, newest first.
 * @throws Problem 503 when it does not answer.
 */
export async function readOutbox(outboxUrl: string): Promise<readonly OutboxMessage[]> {
  try {
    const answer = await fetch(`${outboxUrl}/messages`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return outboxContent.parse(await answer.json()).messages;
  } catch (cause) {
    throw new Problem(503, `The catcher of mail at ${outboxUrl} does not answer; see whether it runs.`, { cause });
  }
}
