import type { HttpClient } from './http-client';
import type { Journal, JournalEntry } from './journal';

/** What one request asks for. */
export interface ProbeRequest {
  readonly count: number;
  /** How long each probe runs. */
  readonly runMs: number;
  readonly priority?: 'high' | 'bulk';
  readonly queue?: string;
  readonly failTimes?: number;
  readonly failBy?: 'throw' | 'crash' | 'hang' | 'block' | 'exhaust';
  readonly outcome?: 'done' | 'external' | 'snooze';
  readonly leaves?: 'effect' | 'result' | 'nothing';
  readonly onUnknown?: 'repeat' | 'park';
  readonly delaySeconds?: number;
  readonly uniqueKey?: { readonly key: string; readonly until?: 'start' | 'finish' };
}

export interface Pace {
  /** Requests a second, whether or not the ones before were answered. */
  readonly requestsPerSecond: number;
  /** Several are sent in turn. */
  readonly request: ProbeRequest | readonly ProbeRequest[];
}

/** A way into the app: a web process, or the load balancer before them. */
export interface Entrance {
  readonly name: string;
  readonly client: HttpClient;
}

const TICK_MS = 10;

/** Callers of POST /api/probes at a steady pace, from its making until it is stopped; all entrances in turn. */
export class Load {
  private readonly open = new Set<Promise<JournalEntry>>();
  private readonly requests: readonly ProbeRequest[];
  private readonly timer: NodeJS.Timeout;
  private readonly startedAtMs = performance.now();
  private sent = 0;
  private asked = 0;

  constructor(
    private readonly entrances: () => readonly Entrance[],
    private readonly journal: Journal,
    private readonly pace: Pace,
  ) {
    this.requests = [pace.request].flat();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** One request beside the pace, journalled like the others. */
  post(probes: ProbeRequest, headers: Readonly<Record<string, string>> = {}): Promise<JournalEntry> {
    const posted = this.send(probes, headers);
    this.open.add(posted);
    void posted.finally(() => this.open.delete(posted));
    return posted;
  }

  /** Sends nothing more; resolves when every open request has its answer or will have none. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
  }

  private tick(): void {
    const due = ((performance.now() - this.startedAtMs) / 1000) * this.pace.requestsPerSecond;
    for (; this.sent < due; this.sent += 1) void this.post(this.requests[this.sent % this.requests.length]!);
  }

  /** One request that is not journalled: its ids may have been told before. */
  async ask(probes: ProbeRequest, headers: Readonly<Record<string, string>> = {}): Promise<JournalEntry> {
    const { name: entrance, client } = this.next();
    const sentAtMs = Date.now();
    const answer = await client.post('/api/probes', probes, headers).catch(() => undefined);
    const entry = {
      entrance,
      sentAtMs,
      endedAtMs: Date.now(),
      status: answer?.status,
      ...(answer?.retryAfter !== undefined && { retryAfter: answer.retryAfter }),
      taskIds: answer?.status === 202 ? (JSON.parse(answer.body) as { taskIds: string[] }).taskIds : [],
    };
    this.journal.answered(entry);
    return entry;
  }

  /** Journals an answer of `ask`. */
  acknowledged(entry: JournalEntry): void {
    this.journal.add(entry);
  }

  private next(): Entrance {
    const entrances = this.entrances();
    const entrance = entrances[this.asked % entrances.length];
    if (entrance === undefined) throw new Error('there is no way into the app');
    this.asked += 1;
    return entrance;
  }

  private async send(probes: ProbeRequest, headers: Readonly<Record<string, string>>): Promise<JournalEntry> {
    const entry = await this.ask(probes, headers);
    this.journal.add(entry);
    return entry;
  }
}
