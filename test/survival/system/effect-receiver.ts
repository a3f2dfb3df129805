import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { testFolder } from '../../../app/test/servers/private-servers';

/** One call that the receiver took in; the first under its key is the effect, later ones change nothing. */
export interface Call {
  /** The header Idempotency-Key, empty when there was none. */
  readonly key: string;
  /** What the key's first call was answered with, and every later one. */
  readonly receipt: string;
}

/** What it does with the next call, which it takes in any case. */
export type Answering = 'answer' | 'be-silent';

/** Whom probes call: an HTTP server that honours keys, keeps a journal of its own and can fall silent after it accepted. */
export class EffectReceiver {
  /** Every call that was taken in, whether or not the caller heard of it, in the order of their coming. */
  readonly calls: Call[] = [];
  /** Of each call, by how many came under its key before. */
  answering: (earlier: number) => Answering = () => 'answer';
  private readonly receipts = new Map<string, string>();
  private readonly unanswered = new Set<{ readonly response: ServerResponse; readonly receipt: string }>();
  private readonly file = join(testFolder('receiver'), 'calls.jsonl');

  static async start(): Promise<EffectReceiver> {
    const receiver = new EffectReceiver();
    await once(receiver.server.listen(0, '127.0.0.1'), 'listening');
    return receiver;
  }

  private readonly server: Server = createServer((request, response) => {
    const key = request.headers['idempotency-key']?.toString() ?? '';
    request.resume();
    request.once('end', () => {
      const earlier = this.callsUnder(key);
      const receipt = this.receipts.get(key) ?? `effect ${this.receipts.size + 1}`;
      this.take({ key, receipt });
      if (this.answering(earlier) === 'answer') response.end(receipt);
      else this.unanswered.add({ response, receipt });
    });
  });

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  callsUnder(key: string): number {
    return this.calls.filter((call) => call.key === key).length;
  }

  /** Answers whom it has let wait so far, and everybody from now on. */
  answerAll(): void {
    this.answering = () => 'answer';
    for (const { response, receipt } of this.unanswered) response.end(receipt);
    this.unanswered.clear();
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private take(call: Call): void {
    this.receipts.set(call.key, call.receipt);
    this.calls.push(call);
    appendFileSync(this.file, `${JSON.stringify(call)}\n`);
  }
}
