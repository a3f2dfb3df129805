import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { FolderObjectStore } from '../../src/objects/folder-object-store';
import { testFolder } from '../servers/private-servers';
import { itIsAnObjectStore } from './object-store.suite';

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

const newFolder = (): string => join(testFolder('store'), 'not', 'there', 'yet');

describe('FolderObjectStore', () => {
  itIsAnObjectStore(() => {
    const folder = newFolder();
    return Promise.resolve({ store: new FolderObjectStore(folder), everything: () => files(folder) });
  });

  test('deletes what interrupted writers left, not what is being written', async () => {
    const folder = newFolder();
    const store = new FolderObjectStore(folder);
    expect(await store.deleteUnfinished(3600)).toBe(0);
    const unfinished = join(folder, '.unfinished');
    await mkdir(unfinished, { recursive: true });
    for (const name of ['left', 'fresh']) await writeFile(join(unfinished, name), 'half');
    const twoHoursAgo = Date.now() / 1000 - 7200;
    await utimes(join(unfinished, 'left'), twoHoursAgo, twoHoursAgo);
    expect(await store.deleteUnfinished(3600)).toBe(1);
    expect((await stat(join(unfinished, 'fresh'))).size).toBe(4);
    expect(await files(folder)).toEqual([join('.unfinished', 'fresh')]);
  });
});
