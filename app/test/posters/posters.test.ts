import sharp from 'sharp';
import { makePosterHandler } from '../../src/posters/make-poster.handler';
import { makePoster } from '../../src/posters/make-poster.task';
import { drain } from '../../src/tasks/testing';
import { handle } from '../../src/tasks';
import type { HandlerResult, TaskHandler } from '../../src/tasks';
import { ADMIN, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { storedFiles } from '../imports/upload.client';
import { accepted, drawn, pictures, screening, untilStored } from './posters.client';

let test_: TestApp;
beforeEach(async () => {
  test_ = await startTestApp();
});
afterEach(() => test_.close());

const jpeg = async (width = 800, height = 1200, colour?: string) => ({
  content: await drawn(width, height, colour).jpeg().toBuffer(),
});

/** Average of the red channel, for telling posters apart. */
async function redOf(url: string): Promise<number> {
  const { rawPayload } = await test_.request({ method: 'GET', url });
  return (await sharp(rawPayload).stats()).channels[0]!.mean;
}

describe('making a poster', () => {
  test('makes pictures of three widths, shows them, and keeps the file', async () => {
    const id = await screening(test_);
    const taskId = await accepted(test_, id, await jpeg());
    expect(await pictures(test_, id)).toEqual([]);
    await test_.startWorker();
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');
    const task = await test_.tasks.get(taskId);
    expect(task?.result).toEqual({ format: 'jpeg', width: 800, height: 1200 });
    expect(task?.progress).toEqual({ done: 3, total: 3 });
    const shown = await pictures(test_, id);
    expect(shown.map(({ width, height }) => [width, height])).toEqual([
      [160, 240],
      [320, 480],
      [640, 960],
    ]);
    for (const { url, width, height } of shown) {
      const answer = await test_.request({ method: 'GET', url });
      expect(answer.headers).toMatchObject({
        'content-type': 'image/webp',
        'cache-control': 'public, max-age=31536000, immutable',
      });
      expect(await sharp(answer.rawPayload).metadata()).toMatchObject({ format: 'webp', width, height });
    }
    expect(await storedFiles(test_)).toHaveLength(4);
  });

  test.each([
    ['a PNG with transparency', () => drawn(100, 120).ensureAlpha(0.5).png(), [[100, 120]]],
    [
      'a WebP that is turned by its EXIF data',
      () => drawn(300, 200).withMetadata({ orientation: 6 }).webp(),
      [
        [160, 240],
        [200, 300],
      ],
    ],
    ['a CMYK JPEG', () => drawn(160, 160).toColourspace('cmyk').jpeg(), [[160, 160]]],
  ] as const)('takes %s, and enlarges nothing', async (_what, make, sizes) => {
    const id = await screening(test_);
    const taskId = await accepted(test_, id, { content: await make().toBuffer(), type: 'image/png' });
    await test_.startWorker();
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');
    const shown = await pictures(test_, id);
    expect(shown.map(({ width, height }) => [width, height])).toEqual(sizes);
    const largest = await test_.request({ method: 'GET', url: shown.at(-1)!.url });
    const { width, height } = await sharp(largest.rawPayload).metadata();
    expect([width, height]).toEqual(sizes.at(-1));
  });

  test('a new poster replaces the old one, whose objects are deleted; old addresses lead to the new one', async () => {
    const id = await screening(test_);
    await test_.startWorker();
    await untilFinished(test_.tasks, await accepted(test_, id, await jpeg(400, 600, '#000')));
    const old = await pictures(test_, id);
    expect(await untilFinished(test_.tasks, await accepted(test_, id, await jpeg(400, 600, '#fff')))).toBe('done');
    await untilStored(test_, 4);
    const shown = await pictures(test_, id);
    expect(await redOf(shown[0]!.url)).toBeGreaterThan(100);
    const late = await test_.request({ method: 'GET', url: old[0]!.url });
    expect(late.statusCode).toBe(302);
    expect(late.headers).toMatchObject({ location: shown[0]!.url, 'cache-control': 'no-store' });
    const bare = await test_.request({ method: 'GET', url: `/screenings/${id}/poster/160` });
    expect(bare.headers.location).toBe(shown[0]!.url);
  });

  test.each([
    ['in their order', false],
    ['the other way round', true],
  ])('of two uploads the later one wins when their tasks end %s', async (_how, reversed) => {
    const id = await screening(test_);
    const first = await accepted(test_, id, await jpeg(400, 600, '#000'));
    const second = await accepted(test_, id, await jpeg(400, 600, '#fff'));
    const held = reversed ? first : second;
    // Cancelled tasks can be queued again.
    await test_.tasks.cancel(held);
    await test_.startWorker();
    expect(await untilFinished(test_.tasks, reversed ? second : first)).toBe('done');
    await test_.tasks.retry(held);
    expect(['done', 'cancelled']).toContain(await untilFinished(test_.tasks, held));
    await untilStored(test_, 4);
    expect(await redOf((await pictures(test_, id))[0]!.url)).toBeGreaterThan(100);
    expect((await test_.database.query('select from app.poster')).rowCount).toBe(1);
  });

  test('a crash between two pictures is repeated and leaves nothing behind', async () => {
    const id = await screening(test_);
    const taskId = await accepted(test_, id, await jpeg());
    const seen: number[] = [];
    const handler = interrupted((attempt, { done }) => {
      seen.push(attempt);
      if (attempt === 1 && done === 2) throw new Error('the worker was interrupted');
    });
    await test_.startWorker([handler]);
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');
    expect(new Set(seen)).toEqual(new Set([1, 2]));
    expect(await pictures(test_, id)).toHaveLength(3);
    expect(await storedFiles(test_)).toHaveLength(4);
  });

  test('deleting the screening deletes all objects, also of posters that are not done', async () => {
    const id = await screening(test_);
    await accepted(test_, id, await jpeg());
    await drain(test_.tasks, { handlers: [makePosterHandler({ tasks: test_.tasks, objects: test_.objects })] });
    const unfinished = await accepted(test_, id, await jpeg());
    expect(await storedFiles(test_)).toHaveLength(5);
    const url = `/api/screenings/${id}`;
    expect((await test_.request({ method: 'DELETE', url, headers: ADMIN })).statusCode).toBe(204);
    await test_.startWorker();
    await untilStored(test_, 0);
    expect(['done', 'cancelled']).toContain(await untilFinished(test_.tasks, unfinished));
    await untilStored(test_, 0);
    expect((await test_.request({ method: 'GET', url: `/screenings/${id}/poster/160` })).statusCode).toBe(404);
  });
});

/** The app's own handler, with a word before each progress. */
function interrupted(before: (attempt: number, progress: { done: number }) => void): TaskHandler {
  const real = makePosterHandler({ tasks: test_.tasks, objects: test_.objects });
  return handle(
    makePoster,
    (context) =>
      real.run({
        ...context,
        transaction: (write) => context.transaction(write),
        effects: (write) => context.effects(write),
        progress: (value) => {
          before(context.attempt, value as { done: number });
          context.progress(value);
        },
      }) as Promise<HandlerResult<typeof makePoster>>,
  );
}
