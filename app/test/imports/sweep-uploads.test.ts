import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepUploads, sweepUploadsDaily } from '../../src/imports/sweep-uploads.task';
import { startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { chunks } from '../objects/object-store.suite';

const HOUR_SECONDS = 3600;

describe('the daily sweep of uploads', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  /** Stores a file as an upload does, and makes it look that old. */
  async function stored(name: string, ageHours: number): Promise<void> {
    await test_.objects.put(`imports/${name}`, chunks(name), { maxBytes: 100 });
    const at = Date.now() / 1000 - ageHours * HOUR_SECONDS;
    await utimes(join(test_.objectsFolder, 'imports', name), at, at);
  }

  test('deletes files that no import will read, a day after they were stored', async () => {
    await stored('acceptance-failed', 25);
    await stored('acceptance-under-way', 23);
    await stored('of-a-dead-import', 2000);
    await test_.database.query(
      `insert into app.import (task_id, format, object_key, bytes, rows)
       values (gen_random_uuid(), 'csv', 'imports/of-a-dead-import', 1, 1)`,
    );
    const payload = sweepUploadsDaily.payload(new Date());
    const { id } = await test_.tasks.accept(sweepUploads, payload as { storedBefore: string });
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect((await readdir(join(test_.objectsFolder, 'imports'))).sort()).toEqual([
      ...['acceptance-under-way', 'of-a-dead-import'],
    ]);
  });

  test('has nothing to do where nothing was ever uploaded', async () => {
    const { id } = await test_.tasks.accept(sweepUploads, { storedBefore: '2020-01-01T00:00:00.000Z' });
    expect(await untilFinished(test_.tasks, id)).toBe('done');
  });
});
