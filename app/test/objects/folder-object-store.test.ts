import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderObjectStore } from '../../src/objects/folder-object-store';
import { testFolder } from '../servers/private-servers';

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

async function read(store: FolderObjectStore, key: string): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of await store.get(key)) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('FolderObjectStore', () => {
  let folder: string;
  let store: FolderObjectStore;
  beforeEach(() => {
    folder = join(testFolder('store'), 'not', 'there', 'yet');
    store = new FolderObjectStore(folder);
  });

  test('gives back what was put', async () => {
    const stored = await store.put('imports/a.json', chunks('one ', 'two'), { maxBytes: 7 });
    expect(stored.bytes).toBe(7);
    expect(await read(store, 'imports/a.json')).toBe('one two');
    expect(await store.stat('imports/a.json')).toEqual(stored);
  });

  test('shows nothing, or the old object, until a new one is complete', async () => {
    let goOn = (): void => undefined;
    const paused = new Promise<void>((resolve) => (goOn = resolve));
    let reached = (): void => undefined;
    const halfway = new Promise<void>((resolve) => (reached = resolve));
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new ');
      reached();
      await paused;
      yield Buffer.from('object');
    }
    const first = store.put('a', slowly(), { maxBytes: 100 });
    await halfway;
    expect(await store.stat('a')).toBeUndefined();
    await expect(store.get('a')).rejects.toThrow('object a does not exist');
    await store.put('a', chunks('old'), { maxBytes: 100 });
    expect(await read(store, 'a')).toBe('old');
    goOn();
    await first;
    expect(await read(store, 'a')).toBe('new object');
  });

  test('leaves nothing when the stream fails, and what was there stays', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('half'));
      throw new Error('the client went away');
    }
    await store.put('a', chunks('old'), { maxBytes: 100 });
    await expect(store.put('a', failing(), { maxBytes: 100 })).rejects.toThrow('the client went away');
    await expect(store.put('b', failing(), { maxBytes: 100 })).rejects.toThrow('the client went away');
    expect(await read(store, 'a')).toBe('old');
    expect(await files(folder)).toEqual(['a']);
  });

  test('refuses one byte too many', async () => {
    await expect(store.put('a', chunks('1234', '56'), { maxBytes: 5 })).rejects.toThrow(
      'object a is larger than 5 bytes, the most that is allowed',
    );
    expect(await files(folder)).toEqual([]);
  });

  test('deletes, also what is not there', async () => {
    await store.put('a', chunks('x'), { maxBytes: 1 });
    await store.delete('a');
    await store.delete('a');
    expect(await store.stat('a')).toBeUndefined();
  });

  test.each([
    '',
    '/a',
    'a/',
    'a//b',
    '..',
    '../a',
    'a/../../b',
    '.unfinished/a',
    'a/.b',
    'A',
    'a b',
    'a\\b',
    'a\0',
    'é',
    'x'.repeat(201),
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

  test('deletes what interrupted writers left, not what is being written', async () => {
    expect(await store.deleteUnfinished(3600)).toBe(0);
    const unfinished = join(folder, '.unfinished');
    await mkdir(unfinished, { recursive: true });
    for (const name of ['left', 'fresh']) await writeFile(join(unfinished, name), 'half');
    const twoHoursAgo = Date.now() / 1000 - 7200;
    await utimes(join(unfinished, 'left'), twoHoursAgo, twoHoursAgo);
    expect(await store.deleteUnfinished(3600)).toBe(1);
    expect((await stat(join(unfinished, 'fresh'))).size).toBe(4);
    expect(await files(folder)).toEqual(['fresh']);
  });
});
