import { abortAfter } from '../process/abort-after';
import { NotSent, Snooze } from '../tasks';
import type { ExternalCall } from '../tasks';

/** After it nobody knows whether the receiver took the call. */
const ANSWER_MS = 10_000;

/** Answers of a receiver that has not taken the call: https://www.rfc-editor.org/rfc/rfc6585#section-4 and RFC 9110, 15.6.4. */
const NOT_TAKEN: readonly number[] = [429, 503];

/**
 * Posts a probe's call under its key, which a receiver that honours keys takes once.
 * @returns the text that it was answered.
 * @throws NotSent when the receiver answers that it is too busy, with a Snooze as its cause when it says for how long.
 * @throws Error when it answers otherwise, or not at all: then nobody knows.
 */
export async function askReceiver(url: string, { idempotencyKey, signal }: ExternalCall): Promise<string> {
  return abortAfter(ANSWER_MS, signal, async (limited) => {
    const headers = { 'idempotency-key': idempotencyKey };
    const response = await fetch(url, { method: 'POST', headers, signal: limited });
    const text = await response.text();
    if (NOT_TAKEN.includes(response.status)) throw notTaken(response);
    if (!response.ok) throw refusal(response);
    return text;
  });
}

function notTaken(response: Response): NotSent {
  const seconds = /^\d{1,5}$/.exec(response.headers.get('retry-after') ?? '')?.[0];
  return new NotSent(seconds === undefined ? refusal(response) : new Snooze(Number(seconds)));
}

function refusal({ status }: Response): Error {
  return new Error(`the receiver of probes answered ${status}`);
}
