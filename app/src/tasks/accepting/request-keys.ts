import { RequestKeyReusedError } from '../errors';
import { loadStatements } from '../ledger/statements';
import type { Chore } from '../maintaining/housekeeper';
import type { RequestKey } from './keys';
import type { Send } from './send';

/** How long a request's key is remembered at least, in hours; who repeats a request later than that makes a new one. */
export const REQUEST_KEY_HOURS = 24;
const FORGOTTEN_AT_ONCE = 1_000;
/** Between being claimed and being looked up a key can be forgotten; so often in a row it is not. */
const MOST_TRIES = 5;

const loadSql = () => loadStatements(__dirname, 'request-keys.sql', ['claim', 'find', 'correct', 'forget']);

/** Remembers which tasks a request was answered with, in the transaction that accepts them. */
export class RequestKeys {
  private readonly sql = loadSql();

  /**
   * Makes `taskIds` what every later request under the key is answered with. Waits for an open transaction under it.
   * @returns the tasks of an earlier request, or undefined when this is the first.
   * @throws RequestKeyReusedError when the earlier one asked for something else.
   */
  async claim(send: Send, request: RequestKey, taskIds: readonly string[]): Promise<readonly string[] | undefined> {
    const { name, key, fingerprint } = request;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const claimed = await send('holdfast claim request', this.sql.claim, [name, key, fingerprint, taskIds]);
      if (claimed.rows.length > 0) return undefined;
      const earlier = await this.earlier(send, request);
      if (earlier !== undefined) return earlier;
    }
    throw new Error(`the request key ${JSON.stringify(key)} of '${name}' was forgotten ${MOST_TRIES} times in a row`);
  }

  /**
   * The tasks of an earlier request under the key, as far as it has committed; writes nothing.
   * @throws RequestKeyReusedError when that one asked for something else.
   */
  async earlier(send: Send, request: RequestKey): Promise<readonly string[] | undefined> {
    const found = await this.find(send, request);
    if (found === undefined || found.fingerprint.equals(request.fingerprint)) return found?.taskIds;
    throw new RequestKeyReusedError(request.name, request.key);
  }

  /** Writes down that the request was answered with other tasks than it had prepared. */
  async correct(send: Send, { name, key }: RequestKey, taskIds: readonly string[]): Promise<void> {
    await send('holdfast correct request', this.sql.correct, [name, key, taskIds]);
  }

  private async find(
    send: Send,
    { name, key }: RequestKey,
  ): Promise<{ readonly fingerprint: Buffer; readonly taskIds: readonly string[] } | undefined> {
    interface Row {
      fingerprint: Buffer;
      taskIds: string[];
    }
    return (await send<Row>('holdfast find request', this.sql.find, [name, key])).rows[0];
  }
}

/** Forgets request keys that are older than REQUEST_KEY_HOURS. */
export function forgetRequestKeys(): Chore {
  const sql = loadSql();
  return {
    name: 'forget request keys',
    everySeconds: 60,
    step: async (tx) => {
      const { rowCount } = await tx.query(sql.forget, [REQUEST_KEY_HOURS, FORGOTTEN_AT_ONCE]);
      return { more: rowCount === FORGOTTEN_AT_ONCE };
    },
  };
}
