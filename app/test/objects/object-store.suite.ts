import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../src/objects/object-store';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** The keys of everything that takes room in the store, finished or not, sorted. */
  readonly everything: () => Promise<string[]>;
}

const MIB = 1024 * 1024;
/** More than two parts of an upload in parts. */
const LONG_BYTES = 12 * MIB;
const CHUNK = Buffer.alloc(64 * 1024, 'holdfast ');

export async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

async function* long(bytes: number, then?: Error): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += CHUNK.byteLength) yield await Promise.resolve(CHUNK);
  if (then !== undefined) throw then;
}

async function read(store: ObjectStore, key: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await store.get(key)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const text = async (store: ObjectStore, key: string): Promise<string> => (await read(store, key)).toString();
const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** What every object store promises. `open` is called before each test, and gives an empty store. */
export function itIsAnObjectStore(open: () => Promise<StoreUnderTest>): void {
  let store: ObjectStore;
  let everything: StoreUnderTest['everything'];
  beforeEach(async () => ({ store, everything } = await open()));

  test('gives back what was put', async () => {
    const stored = await store.put('imports/a.json', chunks('one ', 'two'), { maxBytes: 7 });
    expect(stored.bytes).toBe(7);
    expect(await text(store, 'imports/a.json')).toBe('one two');
    expect(await store.stat('imports/a.json')).toEqual(stored);
    expect(Math.abs(stored.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test('gives back what is long, and what is empty', async () => {
    const stored = await store.put('long', long(LONG_BYTES), { maxBytes: LONG_BYTES });
    expect(stored.bytes).toBe(LONG_BYTES);
    const expected = createHash('sha256');
    for await (const chunk of long(LONG_BYTES)) expected.update(chunk);
    expect(hash(await read(store, 'long'))).toBe(expected.digest('hex'));
    expect((await store.put('empty', chunks(), { maxBytes: 0 })).bytes).toBe(0);
    expect(await text(store, 'empty')).toBe('');
    expect(await everything()).toEqual(['empty', 'long']);
  });

  test('shows nothing, or the old object, until a new one is complete', async () => {
    let goOn = (): void => undefined;
    const paused = new Promise<void>((resolve) => (goOn = resolve));
    let reached = (): void => undefined;
    const halfway = new Promise<void>((resolve) => (reached = resolve));
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield* long(LONG_BYTES);
      reached();
      await paused;
      yield Buffer.from('object');
    }
    const first = store.put('a', slowly(), { maxBytes: LONG_BYTES + 6 });
    await halfway;
    expect(await store.stat('a')).toBeUndefined();
    await expect(store.get('a')).rejects.toThrow('object a does not exist');
    await store.put('a', chunks('old'), { maxBytes: 100 });
    expect(await text(store, 'a')).toBe('old');
    goOn();
    await first;
    expect((await read(store, 'a')).subarray(LONG_BYTES).toString()).toBe('object');
  });

  test.each([
    ['at once', 0],
    ['after the first part', 7 * MIB],
  ])('leaves nothing when the stream fails %s, and what was there stays', async (_, bytes) => {
    const failing = () => long(bytes, new Error('the client went away'));
    await store.put('a', chunks('old'), { maxBytes: 100 });
    await expect(store.put('a', failing(), { maxBytes: LONG_BYTES })).rejects.toThrow('the client went away');
    await expect(store.put('b', failing(), { maxBytes: LONG_BYTES })).rejects.toThrow('the client went away');
    expect(await text(store, 'a')).toBe('old');
    expect(await everything()).toEqual(['a']);
  });

  test.each([
    ['one byte too many', () => chunks('1234', '56'), 5],
    ['a part too many', () => long(LONG_BYTES), 7 * MIB],
  ])('refuses %s, and stops reading', async (_, content, maxBytes) => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* content();
        throw new Error('read to its end');
      } finally {
        closed = true;
      }
    }
    await expect(store.put('a', source(), { maxBytes })).rejects.toThrow(
      `object a is larger than ${maxBytes} bytes, the most that is allowed`,
    );
    expect(closed).toBe(true);
    expect(await everything()).toEqual([]);
  });

  test('lists what is complete below a prefix', async () => {
    const listed = async (prefix: `${string}/`) => {
      const found = [];
      for await (const object of store.list(prefix)) found.push(object);
      return found.sort((one, other) => (one.key < other.key ? -1 : 1));
    };
    expect(await listed('imports/')).toEqual([]);
    const stored = [];
    for (const key of ['imports/a', 'imports/b/c', 'imports-of-others/d', 'e']) {
      stored.push({ key, ...(await store.put(key, chunks(key), { maxBytes: 100 })) });
    }
    await expect(store.put('imports/f', long(1, new Error('gone')), { maxBytes: 1e9 })).rejects.toThrow('gone');
    // S3 tells whole seconds of one object and more of many.
    const inSeconds = (objects: readonly { modifiedAt: Date }[]) =>
      objects.map(({ modifiedAt, ...object }) => ({ ...object, at: Math.floor(modifiedAt.getTime() / 1000) }));
    expect(inSeconds(await listed('imports/'))).toEqual(inSeconds(stored.slice(0, 2)));
  });

  test('gives back nothing once the signal has aborted', async () => {
    await store.put('a', long(LONG_BYTES), { maxBytes: LONG_BYTES });
    const reason = new Error('cancelled');
    await expect(store.get('a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const later = new AbortController();
    const source = await store.get('a', { signal: later.signal });
    const reading = (async () => {
      for await (const part of source) if (part !== undefined) later.abort(reason);
    })();
    await expect(reading).rejects.toThrow();
  });

  test('deletes, also what is not there', async () => {
    await store.put('a', chunks('x'), { maxBytes: 1 });
    await store.delete('a');
    await store.delete('a');
    expect(await store.stat('a')).toBeUndefined();
    expect(await everything()).toEqual([]);
  });

  test.each([
    ...['', '/a', 'a/', 'a//b', '..', '../a', 'a/../../b', '.unfinished/a', 'a/.b'],
    ...['A', 'a b', 'a\\b', 'a\0', 'é', 'x'.repeat(201)],
  ])('refuses the key %j', async (key) => {
    for (const use of [
      () => store.put(key, chunks('x'), { maxBytes: 1 }),
      () => store.get(key),
      () => store.delete(key),
      () => store.stat(key),
    ]) {
      await expect(use()).rejects.toThrow(/^object key ".*" is not allowed; allowed are at most 200 /);
    }
  });
}
