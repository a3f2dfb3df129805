import type { Readable } from 'node:stream';

export interface StoredObject {
  /** Size in bytes. */
  readonly bytes: number;
  readonly modifiedAt: Date;
}

export interface ListedObject extends StoredObject {
  readonly key: string;
}

export interface GetOptions {
  /** Ends waiting for the object, and reading the stream. */
  readonly signal?: AbortSignal;
}

/** Keeps what is too large for a task's payload; tasks travel with the object's key. */
export interface ObjectStore {
  /**
   * Stores the whole stream under `key`, replacing what is there. Atomic: readers see the old object, or none, until
   * everything is stored durably; when the stream fails nothing is left.
   * @throws ObjectTooLargeError when the stream holds more than `maxBytes`; the stream's own error when it fails.
   */
  put(key: string, source: AsyncIterable<Uint8Array>, options: { readonly maxBytes: number }): Promise<StoredObject>;
  /** @throws ObjectMissingError when there is none; the signal's reason when it has aborted. */
  get(key: string, options?: GetOptions): Promise<Readable>;
  /** Harmless when there is none. */
  delete(key: string): Promise<void>;
  stat(key: string): Promise<StoredObject | undefined>;
  /**
   * The stored objects whose keys begin with `prefix`, a part of a key with its slash; in no order. What is stored or deleted
   * meanwhile may be missing.
   */
  list(prefix: `${string}/`): AsyncIterable<ListedObject>;
}

/** After something else has failed: that is the reason to tell, and the daily sweep deletes what this does not. */
export async function deleteInVain(objects: Pick<ObjectStore, 'delete'>, key: string): Promise<void> {
  await objects.delete(key).catch(() => undefined);
}

export class ObjectTooLargeError extends Error {
  override readonly name = 'ObjectTooLargeError';
  constructor(
    readonly key: string,
    readonly maxBytes: number,
  ) {
    super(`object ${key} is larger than ${maxBytes} bytes, the most that is allowed`);
  }
}

export class ObjectMissingError extends Error {
  override readonly name = 'ObjectMissingError';
  constructor(readonly key: string) {
    super(`object ${key} does not exist; it was never stored, or deleted after its last use`);
  }
}

/** The store cannot be reached, or does not do what it is asked to; the cause has the reason. */
export class ObjectStoreAwayError extends Error {
  override readonly name = 'ObjectStoreAwayError';
  constructor(cause: unknown) {
    super('the object store cannot be reached or refuses', { cause });
  }
}

/** A key that could leave the store's folder, or that another store could not hold. */
export class ObjectKeyError extends Error {
  override readonly name = 'ObjectKeyError';
  constructor(key: string) {
    super(
      `object key ${JSON.stringify(key)} is not allowed; allowed are at most ${MAX_KEY_LENGTH} lower-case letters, digits, ` +
        'dots, dashes and underscores, in parts that start with a letter or digit and are parted by single slashes',
    );
  }
}

const MAX_KEY_LENGTH = 200;
const KEY = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/;

/** @throws ObjectKeyError unless `key` is safe in every store. */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !KEY.test(key)) throw new ObjectKeyError(key);
}

/** Passes the stream on. @throws ObjectTooLargeError at the first chunk that makes it more than `maxBytes`. */
export async function* limit(
  key: string,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new ObjectTooLargeError(key, maxBytes);
    yield chunk;
  }
}
