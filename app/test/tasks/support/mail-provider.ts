import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Reply = (request: IncomingMessage, response: ServerResponse, key: string) => void;

/** A provider on 127.0.0.1 that accepts mail under the Idempotency-Key header and remembers who asked how often. */
export interface MailProvider {
  /** Sends one mail. Resolves to the provider's id for it. @throws Error with `status` for a refusal */
  send(key: string, signal: AbortSignal): Promise<string>;
  /** Calls under each key that were accepted, in the order in which they came. */
  readonly accepted: ReadonlyMap<string, number>;
  /** All calls, refused ones included. */
  calls(): number;
  /** From now on answered like this; `accepts` unless told otherwise. */
  reply: Reply;
  /** Accepts, and answers with an id that the same key gets again. */
  readonly accepts: Reply;
  /** Accepts, and never answers. */
  readonly silent: Reply;
  close(): Promise<void>;
}

export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(readonly status: number) {
    super(`the provider answered ${status}`);
  }
}

export async function mailProvider(): Promise<MailProvider> {
  const accepted = new Map<string, number>();
  let calls = 0;
  const count = (key: string): void => void accepted.set(key, (accepted.get(key) ?? 0) + 1);
  const accepts: Reply = (_, response, key) => {
    count(key);
    response.end(JSON.stringify(`mail-${[...accepted.keys()].indexOf(key)}`));
  };
  const server = createServer((request, response) => {
    calls += 1;
    provider.reply(request, response, String(request.headers['idempotency-key']));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const provider: MailProvider = {
    accepted,
    calls: () => calls,
    reply: accepts,
    accepts,
    silent: (_, __, key) => count(key),
    send: async (key, signal) => {
      const url = `http://127.0.0.1:${port}/mail`;
      const answer = await fetch(url, { method: 'POST', headers: { 'idempotency-key': key }, signal });
      if (!answer.ok) throw new Refused(answer.status);
      return (await answer.json()) as string;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}
