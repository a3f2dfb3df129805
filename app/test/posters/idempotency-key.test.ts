import { discardObjectHandler } from '../../src/objects/discard.task';
import { ADMIN, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { storedFiles } from '../imports/upload.client';
import { formOf, screening, untilStored } from './posters.client';

describe('the Idempotency-Key of a poster', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    // Makes no posters, so that every file that stays is one that was uploaded.
    await test_.startWorker([discardObjectHandler(test_.objects)]);
  });
  afterAll(() => test_.close());

  const put = (screeningId: string, content: string, key: string) => {
    const { headers, payload } = formOf({ content: Buffer.from(content) });
    return test_.request({
      method: 'PUT',
      url: `/api/screenings/${screeningId}/poster`,
      headers: { ...ADMIN, ...headers, 'idempotency-key': key },
      payload,
    });
  };

  test('a repeated upload gets the same task and leaves no second file', async () => {
    const id = await screening(test_);
    const first = await put(id, 'a poster', '"poster-1"');
    expect(first.statusCode).toBe(202);
    const again = await put(id, 'a poster', 'poster-1');
    expect([again.statusCode, again.json()]).toEqual([202, first.json()]);
    await untilStored(test_, 1);
    const { taskId } = first.json<{ taskId: string }>();
    expect((await test_.database.query('select task_id from app.poster')).rows).toEqual([{ task_id: taskId }]);

    const [otherFile, otherScreening] = [await put(id, 'another', 'poster-1'), await screening(test_)];
    expectProblem(otherFile, 422, /^The Idempotency-Key was used for another request/);
    expectProblem(await put(otherScreening, 'a poster', 'poster-1'), 422, /used for another request/);
    expect(await storedFiles(test_)).toHaveLength(1);
    expect((await test_.database.query('select from app.poster')).rowCount).toBe(1);
  });

  test('one that is not allowed is refused before the file is kept', async () => {
    const before = (await storedFiles(test_)).length;
    const answer = await put(await screening(test_), 'a poster', 'a b');
    expectProblem(answer, 400, /^The header Idempotency-Key is not allowed so/);
    expect(await storedFiles(test_)).toHaveLength(before);
  });
});
