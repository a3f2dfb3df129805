import type { JournalEntry } from './counting';
import type { Part } from './part';
import { POISON_KEY, RATE } from './workload';

/** The callers of one producer, and what they were told: the journal lives here, outside of whatever dies. */
export class Caller {
  private readonly entries = new Map<number, JournalEntry>();
  private lastKey = 0;
  /** Whether the producer takes requests, as a web process does once its port is open. */
  private open = false;
  private pacing: NodeJS.Timeout | undefined;
  /** Why requests were refused, and how often. */
  readonly reasons = new Map<string, number>();

  constructor(private readonly producer: Part) {
    producer.onLine = (line) => this.hear(line);
    producer.onEnd = () => (this.open = false);
  }

  get journal(): readonly JournalEntry[] {
    return [...this.entries.values()];
  }

  /** Requests that were answered with yes. */
  get accepted(): number {
    return this.journal.filter(({ answer }) => answer === 'accepted').length;
  }

  /** Sends so many requests at once; none while the producer is down. */
  send(count: number): void {
    for (let i = 0; this.open && i < count; i += 1) {
      this.lastKey += 1;
      this.producer.write(`${this.lastKey}\n`);
      this.entries.set(this.lastKey, { key: this.lastKey, sentAtMs: Date.now(), answer: 'unanswered' });
    }
  }

  /** Sends the task that kills; it is no request, so the journal leaves it out. */
  sendPoison(): void {
    this.producer.write(`${POISON_KEY}\n`);
  }

  /** Sends at the steady rate until `stop`. */
  start(): void {
    const began = performance.now();
    let sent = 0;
    this.pacing = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / 1_000) * RATE) - sent;
      sent += due;
      this.send(due);
    }, 20);
  }

  stop(): void {
    clearInterval(this.pacing);
  }

  /** A producer says `ready` first, then `accepted KEY` or `refused KEY REASON`. */
  private hear(line: string): void {
    if (line === 'ready') this.open = true;
    const [, answer, key, reason] = /^(accepted|refused) (\d+) ?(.*)$/.exec(line) ?? [];
    const entry = this.entries.get(Number(key));
    if (entry === undefined) return;
    entry.answer = answer === 'accepted' ? 'accepted' : 'refused';
    entry.answeredAtMs = Date.now();
    if (reason) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }
}
