import { abortAfter } from '../process/abort-after';
import type { ExternalCall } from '../tasks';

/** After it nobody knows whether the receiver took the call. */
const ANSWER_MS = 10_000;

/**
 * Posts a probe's call under its key, which a receiver that honours keys takes once.
 * @returns the text that it was answered.
 * @throws Error when the receiver does not take the call, or does not answer: then nobody knows.
 */
export async function askReceiver(url: string, { idempotencyKey, signal }: ExternalCall): Promise<string> {
  return abortAfter(ANSWER_MS, signal, async (limited) => {
    const headers = { 'idempotency-key': idempotencyKey };
    const response = await fetch(url, { method: 'POST', headers, signal: limited });
    const text = await response.text();
    if (!response.ok) throw new Error(`the receiver of probes answered ${response.status}`);
    return text;
  });
}
