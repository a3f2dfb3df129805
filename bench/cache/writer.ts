import { setTimeout as sleep } from 'node:timers/promises';

interface Screening {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly room: string;
  readonly startsAt: string;
  readonly version: number;
}

const TITLE = /Counter (\d+)\./;

/** Changes the first screening of the list again and again; its title counts the changes. */
export class Writer {
  /** The last change that was answered; every answer to a later request must show it, or a later one. */
  answered = 0;
  private readonly stopping = new AbortController();
  private writing: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly adminToken: string,
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.writing = this.write();
  }

  /** @throws what a change failed with. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.writing;
  }

  /** Which change a list shows; 0 when none. */
  static shown(body: string): number {
    return Number(TITLE.exec(body)?.[1] ?? 0);
  }

  private async write(): Promise<void> {
    const list = (await (await fetch(`${this.url}/api/screenings`)).json()) as { items: Screening[] };
    let current = list.items[0]!;
    for (let n = 1; !this.stopping.signal.aborted; n += 1) {
      const { id, description, room, startsAt, version } = current;
      const response = await fetch(`${this.url}/api/screenings/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.adminToken}` },
        body: JSON.stringify({ title: `Counter ${n}.`, description, room, startsAt, version }),
      });
      if (!response.ok) throw new Error(`a change was answered with ${response.status}: ${await response.text()}`);
      current = (await response.json()) as Screening;
      this.answered = n;
      await sleep(this.everyMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}
