import { readdir } from 'node:fs/promises';
import type { TestApp } from '../http/test-app';

/** The names of the files in the object store, unfinished ones too. */
export async function storedFiles(app: TestApp): Promise<string[]> {
  const entries = await readdir(app.objectsFolder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

export async function expectNothing(app: TestApp): Promise<void> {
  expect(await storedFiles(app)).toEqual([]);
  expect((await app.tasks.list()).items).toEqual([]);
  expect((await app.database.query('select from app.import')).rowCount).toBe(0);
}

export function send(app: TestApp, headers: Record<string, string>, payload?: string | Buffer | NodeJS.ReadableStream) {
  return app.request({ method: 'POST', url: '/api/imports', headers, ...(payload === undefined ? {} : { payload }) });
}
