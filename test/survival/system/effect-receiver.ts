import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { testFolder } from '../../../app/test/servers/private-servers';

/** What it says with 429. */
export const RETRY_AFTER_SECONDS = 2;

/** One call that the receiver took in; the first under its key is the effect, later ones change nothing. */
export interface Call {
  /** The header Idempotency-Key, empty when there was none. */
  readonly key: string;
  /** What the key's first call was answered with, and every later one. */
  readonly receipt: string;
}

/** A call that it did not take. */
export interface RefusedCall {
  readonly key: string;
  readonly status: 429 | 503;
  /** In ms since 1970. */
  readonly atMs: number;
}

/** What it does with the next call: it takes it and answers or does not, or refuses it with 429 and Retry-After or with 503. */
export type Answering = 'answer' | 'be-silent' | RefusedCall['status'];

/** Whom probes call: an HTTP server that honours keys, keeps a journal of its own and can fall silent after it accepted. */
export class EffectReceiver {
  /** Every call that was taken in, whether or not the caller heard of it, in the order of their coming. */
  readonly calls: Call[] = [];
  /** Every call that was refused, in the order of their coming. */
  readonly refused: RefusedCall[] = [];
  /** Of each call, by how many were taken and how many refused under its key before. */
  answering: (earlier: number, refused: number) => Answering = () => 'answer';
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
      const answering = this.answering(this.callsUnder(key), this.refusalsOf(key).length);
      if (answering === 429 || answering === 503) {
        this.refused.push({ key, status: answering, atMs: Date.now() });
        if (answering === 429) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
        response.writeHead(answering).end();
        return;
      }
      const receipt = this.receipts.get(key) ?? `effect ${this.receipts.size + 1}`;
      this.take({ key, receipt });
      if (answering === 'answer') response.end(receipt);
      else this.unanswered.add({ response, receipt });
    });
  });

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  callsUnder(key: string): number {
    return this.calls.filter((call) => call.key === key).length;
  }

  refusalsOf(key: string): RefusedCall[] {
    return this.refused.filter((call) => call.key === key);
  }

  /** Answers whom it has let wait so far, and everybody from now on. */
  answerAll(): void {
    this.answering = () => 'answer';
    for (const { response, receipt } of this.unanswered) response.end(receipt);
    this.unanswered.clear();
  }

  /** The calls of these tasks count no more, as they went with a disaster; their keys stay taken, and its file keeps them. */
  forget(taskIds: readonly string[]): void {
    const gone = new Set(taskIds);
    const kept = this.calls.filter(({ key }) => !gone.has(key.split(':')[0]!));
    this.calls.splice(0, this.calls.length, ...kept);
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
