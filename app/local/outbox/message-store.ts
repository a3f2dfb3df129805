import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { outboxContent } from '../../src/outbox/outbox-message';
import type { OutboxMessage } from '../../src/outbox/outbox-message';

/** The file stays below a megabyte or so, and the page short. */
const KEPT_MESSAGES = 200;

/** The last 200 messages that were caught, in memory and, with `file`, over restarts. */
export class MessageStore {
  private kept: readonly OutboxMessage[];

  constructor(private readonly file: string | undefined) {
    this.kept = file !== undefined && existsSync(file) ? read(file) : [];
  }

  /** Newest first. */
  get messages(): readonly OutboxMessage[] {
    return this.kept;
  }

  add(message: OutboxMessage): void {
    this.kept = [message, ...this.kept].slice(0, KEPT_MESSAGES);
    if (this.file === undefined) return;
    // Beside and renamed, so that a kill in between leaves the old list or the new one.
    writeFileSync(`${this.file}.new`, JSON.stringify({ messages: this.kept }), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}

function read(file: string): readonly OutboxMessage[] {
  try {
    return outboxContent.parse(JSON.parse(readFileSync(file, 'utf8'))).messages;
  } catch {
    // Of another version; what was caught for a look may go.
    return [];
  }
}
