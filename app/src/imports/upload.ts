import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import type { ObjectStore, StoredObject } from '../objects/object-store';
import { MalformedFileError } from './malformed-file-error';
import { readRows } from './raw-row';
import type { Format } from './raw-row';

/** What the keys of uploaded files begin with. */
export const UPLOADS_PREFIX = 'imports/';
/** Largest file, in bytes. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;

export interface Upload {
  /** Size in bytes. */
  readonly bytes: number;
  readonly rows: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
}

/**
 * Stores a file while it arrives and reads it to its end on the way, so that one that cannot be imported at all is
 * refused before anything is accepted. Nothing is stored when this throws.
 * @throws MalformedFileError, ObjectTooLargeError, or the stream's own error.
 */
export async function storeFile(objects: ObjectStore, key: string, format: Format, body: Readable): Promise<Upload> {
  const counter = new RowCounter(format);
  let stored: StoredObject;
  try {
    stored = await objects.put(key, counter.countWhilePassing(body), { maxBytes: MAX_FILE_BYTES });
  } finally {
    counter.close();
  }
  return { bytes: stored.bytes, rows: counter.rows, sha256: counter.hash.digest('hex') };
}

type Decoder = InstanceType<typeof TextDecoder>;

class RowCounter {
  rows = 0;
  readonly hash = createHash('sha256');
  private readonly copy = new PassThrough();
  private readonly counting: Promise<void>;
  private failure: unknown;

  constructor(format: Format) {
    // Whatever goes wrong with the copy is reported by the reader.
    this.copy.on('error', () => undefined);
    this.counting = this.count(format);
    this.counting.catch((error: unknown) => (this.failure = error));
  }

  /** Yields the body's chunks unchanged; fails as soon as its rows cannot be read. */
  async *countWhilePassing(body: Readable): AsyncGenerator<Uint8Array> {
    // The default would close the connection, and with it the way for our answer, when reading ends early.
    const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let position = 0;
    for await (const chunk of chunks) {
      checkText(decoder, chunk, position);
      position += chunk.byteLength;
      this.hash.update(chunk);
      if (!this.copy.write(chunk)) await Promise.race([once(this.copy, 'drain'), this.counting]);
      if (this.failure !== undefined) await this.counting;
      yield chunk;
    }
    checkText(decoder, undefined, position);
    this.copy.end();
    await this.counting;
    if (this.rows === 0) throw new MalformedFileError('content', 'The file holds no rows; send at least one film.');
  }

  close(): void {
    this.copy.destroy();
  }

  private async count(format: Format): Promise<void> {
    for await (const row of readRows(format, this.copy)) this.rows += row.row > 0 ? 1 : 0;
  }
}

function checkText(decoder: Decoder, chunk: Uint8Array | undefined, position: number): void {
  try {
    decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    const readable = new TextDecoder().decode(chunk).split('\uFFFD', 1)[0] ?? '';
    const near = position + Buffer.byteLength(readable) + 1;
    throw new MalformedFileError('syntax', `The file is not UTF-8 near byte ${near}; save it as UTF-8.`);
  }
}
