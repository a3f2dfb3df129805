import { CommitUnknownError } from '../../src/tasks';
import type { Tasks } from '../../src/tasks';
import { expectProblem, startTestApp } from '../http/test-app';
import { expectNothing, send, storedFiles } from './upload.client';

const JSON_TYPE = 'application/json';
const GOOD = '[{"Title":"Up","Release Date":"May 29 2009"}]';

describe('accepting an upload', () => {
  const withTransaction =
    (transaction: Tasks['transaction']) =>
    (tasks: Tasks): Tasks =>
      Object.assign(Object.create(tasks) as Tasks, { transaction });

  test('that fails keeps nothing', async () => {
    const test_ = await startTestApp({
      tasks: (tasks) =>
        withTransaction((fn) =>
          tasks.transaction(async (tx) => {
            await fn(tx);
            throw Object.assign(new Error('terminating connection'), { code: '57P01' });
          }),
        )(tasks),
    });
    try {
      const response = await send(test_, { 'content-type': JSON_TYPE }, GOOD);
      expectProblem(response, 503, 'The database cannot be reached or is too busy; nothing was changed. Try again.');
      expect(response.headers['retry-after']).toBe('2');
      await expectNothing(test_);
    } finally {
      await test_.close();
    }
  });

  test('that fails says why, also when its file cannot be deleted then', async () => {
    const test_ = await startTestApp({
      tasks: withTransaction(() =>
        Promise.reject(Object.assign(new Error('terminating connection'), { code: '57P01' })),
      ),
    });
    try {
      test_.objects.delete = () => Promise.reject(new Error('the store is away'));
      const response = await send(test_, { 'content-type': JSON_TYPE }, GOOD);
      expectProblem(response, 503, /^The database cannot be reached/);
    } finally {
      await test_.close();
    }
  });

  test('whose confirmation is lost answers with the task when it exists after all', async () => {
    const test_ = await startTestApp({
      tasks: (tasks) =>
        withTransaction(async (fn) => {
          await tasks.transaction(fn);
          throw new CommitUnknownError(new Error('Connection terminated unexpectedly'));
        })(tasks),
    });
    try {
      const response = await send(test_, { 'content-type': JSON_TYPE }, GOOD);
      expect(response.statusCode).toBe(202);
      expect(await storedFiles(test_)).toHaveLength(1);
      expect((await test_.tasks.list()).items.map(({ id }) => id)).toEqual([
        response.json<{ taskId: string }>().taskId,
      ]);
    } finally {
      await test_.close();
    }
  });

  test('of which nobody knows keeps the file, and says where to look', async () => {
    const test_ = await startTestApp({
      tasks: (tasks) =>
        withTransaction((fn) =>
          tasks.transaction(async (tx) => {
            await fn(tx);
            throw new CommitUnknownError(new Error('Connection terminated unexpectedly'));
          }),
        )(tasks),
    });
    try {
      const response = await send(test_, { 'content-type': JSON_TYPE }, GOOD);
      expectProblem(
        response,
        503,
        /it is not known whether this took effect. \/api\/tasks\/[0-9a-f-]{36} tells as soon/,
      );
      expect(await storedFiles(test_)).toHaveLength(1);
    } finally {
      await test_.close();
    }
  });
});
