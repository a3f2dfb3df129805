import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import { checkKey, limit, ObjectMissingError } from './object-store';
import type { GetOptions, ListedObject, ObjectStore, StoredObject } from './object-store';

/** No key may start with a dot, so unfinished objects can never be read. */
const UNFINISHED = '.unfinished';

/** Objects as files of one folder: written beside, made durable, then renamed into place. */
export class FolderObjectStore implements ObjectStore {
  /** @param folder absolute path; created when it is missing. */
  constructor(private readonly folder: string) {}

  async put(
    key: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number },
  ): Promise<StoredObject> {
    checkKey(key);
    const unfinished = join(this.folder, UNFINISHED, randomUUID());
    const target = this.path(key);
    await mkdir(dirname(unfinished), { recursive: true });
    try {
      await writeDurably(unfinished, limit(key, source, options.maxBytes));
      await mkdir(dirname(target), { recursive: true });
      await rename(unfinished, target);
      await syncFolder(dirname(target));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    const stored = await this.stat(key);
    if (stored === undefined) throw new ObjectMissingError(key);
    return stored;
  }

  async get(key: string, { signal }: GetOptions = {}): Promise<Readable> {
    checkKey(key);
    signal?.throwIfAborted();
    try {
      const stream = (await open(this.path(key), 'r')).createReadStream();
      return signal === undefined ? stream : addAbortSignal(signal, stream);
    } catch (error) {
      throw isMissing(error) ? new ObjectMissingError(key) : error;
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await rm(this.path(key), { force: true });
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      const found = await stat(this.path(key));
      return { bytes: found.size, modifiedAt: found.mtime };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *list(prefix: `${string}/`): AsyncGenerator<ListedObject> {
    const folder = this.path(prefix.slice(0, -1));
    for (const entry of await filesIn(folder)) {
      const key = relative(this.folder, join(entry.parentPath, entry.name)).split(sep).join('/');
      const stored = await this.stat(key);
      if (stored !== undefined) yield { key, ...stored };
    }
  }

  /** Deletes what processes that died while storing left behind: unfinished files older than `ageSeconds`. */
  async deleteUnfinished(ageSeconds: number): Promise<number> {
    const folder = join(this.folder, UNFINISHED);
    const names = await this.unfinished(folder);
    let deleted = 0;
    for (const name of names) {
      const file = join(folder, name);
      const age =
        Date.now() -
        (await stat(file).then(
          (found) => found.mtimeMs,
          () => Date.now(),
        ));
      if (age < ageSeconds * 1000) continue;
      await rm(file, { force: true });
      deleted += 1;
    }
    return deleted;
  }

  private async unfinished(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  private path(key: string): string {
    return join(this.folder, ...key.split('/'));
  }
}

async function filesIn(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function writeDurably(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const chunk of source) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it a power loss may undo the rename although the file's content is durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
