import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { ADMIN, expectProblem, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { storedFiles } from '../imports/upload.client';
import { accepted, drawn, formOf, pictures, screening, send } from './posters.client';

describe('a file that cannot be a poster', () => {
  let test_: TestApp;
  let id: string;
  beforeAll(async () => {
    test_ = await startTestApp();
    id = await screening(test_);
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  const cut = async () => (await drawn(900, 1200).jpeg({ quality: 100 }).toBuffer()).subarray(0, 9000);
  const bomb = async () => Promise.resolve(blackPng(30_000, 30_000));

  test.each([
    ['text named .jpg', async () => Promise.resolve(Buffer.from('no image')), /not a JPEG, PNG or WebP image/],
    ['a JPEG that is cut off', cut, /damaged or cut off/],
    ['a decompression bomb', bomb, /30,000 x 30,000 pixels; an image may have 50 million/],
  ])('%s ends as a dead task with the reason, which its page says', async (_what, make, reason) => {
    const taskId = await accepted(test_, id, { content: await make() });
    expect(await untilFinished(test_.tasks, taskId)).toBe('dead');
    expect((await test_.tasks.get(taskId))?.error).toMatch(reason);
    const page = await test_.request({ method: 'GET', url: `/tasks/${taskId}`, headers: { accept: 'text/html' } });
    expect(page.body).toMatch(reason);
    expect(await pictures(test_, id)).toEqual([]);
  });

  test('is refused when it is too large or of another type, and nothing is kept', async () => {
    const before = (await storedFiles(test_)).length;
    expectProblem(await send(test_, id, { content: randomBytes(11 * 1024 * 1024) }), 413, /larger than 10485760 bytes/);
    const gif = { content: Buffer.from('GIF89a'), type: 'image/gif' };
    expectProblem(await send(test_, id, gif), 415, /content type is "image\/gif"/);
    expectProblem(await send(test_, id), 400, 'The form holds no file; send an image as the field poster.');
    const image = { content: Buffer.from('an image') };
    expectProblem(
      await send(test_, id, { ...image, field: 'picture' }),
      400,
      /file as "picture"; send one file as poster/,
    );
    expectProblem(await send(test_, id, image, image), 400, 'The form holds more than one file; send one.');
    expectProblem(await send(test_, id, { ...image, filename: '' }), 400, 'No file was chosen; choose an image.');
    expectProblem(await send(test_, id, { content: Buffer.alloc(0) }), 400, 'The file is empty; send an image.');
    expect(await storedFiles(test_)).toHaveLength(before);
  });
});

describe('a form that is none', () => {
  let test_: TestApp;
  let id: string;
  beforeAll(async () => {
    test_ = await startTestApp();
    id = await screening(test_);
  });
  afterAll(() => test_.close());

  test.each([
    ['without a boundary', 'multipart/form-data', 'anything'],
    ['that is empty', 'multipart/form-data; boundary=b', ''],
    ['that is cut off', 'multipart/form-data; boundary=b', cutOff()],
    ['with broken headers', 'multipart/form-data; boundary=b', '--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n'],
  ])('%s is answered with what is wrong, and nothing is kept', async (_what, type, payload) => {
    const answer = await test_.request({
      ...{ method: 'PUT', url: `/api/screenings/${id}/poster`, payload },
      headers: { ...ADMIN, 'content-type': type },
    });
    expectProblem(answer, 400, /form/);
    expect(await storedFiles(test_)).toEqual([]);
    expect((await test_.tasks.list()).items).toEqual([]);
  });
});

function cutOff(): Buffer {
  return formOf({ content: Buffer.from('an image') }).payload.subarray(0, -20);
}

/** A whole PNG image of one bit a pixel, far smaller than what it unpacks to. */
function blackPng(width: number, height: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 1;
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 1 });
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([start, chunk('IHDR', head), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

/** CRC-32 of PNG, https://www.w3.org/TR/png-3/#D-CRCAppendix. */
function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}
