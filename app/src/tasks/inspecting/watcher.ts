import { setMaxListeners } from 'node:events';
import { pause } from '../pause';
import type { TaskRecordWithAttempts } from '../types';
import type { Inspector } from './inspector';
import type { TaskRow } from './records';

const EVERY_MS = 500;
const FINISHED = new Set(['done', 'dead', 'cancelled']);

/** Follows tasks for whoever watches them: one statement every half second for all watched tasks of this process. */
export class Watcher {
  private readonly listeners = new Map<string, Set<(row: TaskRow) => void>>();
  private readonly closing = new AbortController();
  private polling: Promise<void> | undefined;

  constructor(private readonly inspector: Inspector) {
    // One listener a watch; Node takes more than ten for a leak and says so.
    setMaxListeners(0, this.closing.signal);
  }

  /** Yields the task now and after each change, until it is finished, the signal aborts or there is no such task. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<TaskRecordWithAttempts> {
    const row = await this.inspector.row(id);
    if (row === undefined) return;
    const first = await this.inspector.withAttempts(row);
    let last = JSON.stringify(first);
    yield first;
    if (FINISHED.has(first.state)) return;

    // Only the newest: who reads slowly need not see every state, and nothing piles up meanwhile.
    let newest: TaskRow | undefined;
    let wake = (): void => undefined;
    const listener = (row: TaskRow): void => {
      newest = row;
      wake();
    };
    this.add(first.id, listener);
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    this.closing.signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted && !this.closing.signal.aborted) {
        const row = newest;
        newest = undefined;
        if (row === undefined) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        // PostgreSQL being away for a while is no reason to end a watch: the next look brings the row again.
        const record = await this.inspector.withAttempts(row).catch(() => undefined);
        if (record === undefined) continue;
        const text = JSON.stringify(record);
        if (text === last) continue;
        last = text;
        yield record;
        if (FINISHED.has(record.state)) return;
      }
    } finally {
      this.remove(first.id, listener);
      signal.removeEventListener('abort', onAbort);
      this.closing.signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.polling;
  }

  private add(id: string, listener: (row: TaskRow) => void): void {
    const listeners = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, listeners.add(listener));
    this.polling ??= this.poll();
  }

  private remove(id: string, listener: (row: TaskRow) => void): void {
    const listeners = this.listeners.get(id);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.listeners.delete(id);
  }

  private async poll(): Promise<void> {
    const { signal } = this.closing;
    while (this.listeners.size > 0 && !signal.aborted) {
      await pause(EVERY_MS, signal);
      const rows = await this.inspector.rows([...this.listeners.keys()]).catch(() => []);
      for (const row of rows) for (const listener of this.listeners.get(row.uuid) ?? []) listener(row);
    }
    this.polling = undefined;
  }
}
