import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { originalKey, pictureKey } from '../../src/posters/poster';
import { sweepPosters, sweepPostersDaily } from '../../src/posters/sweep-posters.task';
import { startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { chunks } from '../objects/object-store.suite';
import { screening } from './posters.client';

const HOUR_SECONDS = 3600;

describe('the daily sweep of posters', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  /** Stores an object and makes it look that old. */
  async function stored(key: string, ageHours: number): Promise<string> {
    await test_.objects.put(key, chunks(key), { maxBytes: 100 });
    const at = Date.now() / 1000 - ageHours * HOUR_SECONDS;
    await utimes(join(test_.objectsFolder, key), at, at);
    return key;
  }
  const kept = (keys: readonly string[]) => keys.filter((key) => existsSync(join(test_.objectsFolder, key)));
  async function sweep(storedBefore: string): Promise<void> {
    const { id } = await test_.tasks.accept(sweepPosters, { storedBefore });
    expect(await untilFinished(test_.tasks, id)).toBe('done');
  }

  test('deletes the objects of no poster, a day after they were stored, and nothing else', async () => {
    const known = randomUUID();
    await test_.database.query(
      'insert into app.poster (id, screening_id, task_id) values ($1, $2, gen_random_uuid())',
      [known, await screening(test_)],
    );
    const [failed, underWay] = [randomUUID(), randomUUID()];
    const orphans = [await stored(originalKey(failed), 25), await stored(pictureKey(failed, 160), 25)];
    const needed = [
      await stored(originalKey(underWay), 23),
      await stored(originalKey(known), 2000),
      await stored(pictureKey(known, 640), 2000),
      await stored('posters/readme', 2000),
      await stored(`imports/${failed}`, 2000),
    ];
    await sweep((sweepPostersDaily.payload(new Date()) as { storedBefore: string }).storedBefore);
    expect(kept(orphans)).toEqual([]);
    expect(kept(needed)).toEqual(needed);
  });

  test('has nothing to do where every object is younger', async () => {
    const young = [await stored(originalKey(randomUUID()), 0)];
    await sweep('2020-01-01T00:00:00.000Z');
    expect(kept(young)).toEqual(young);
  });
});
