import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { eventually, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { expectNothing, send, storedFiles } from './upload.client';

const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';
const GOOD = '[{"Title":"Up","Release Date":"May 29 2009"}]';

/** Rows without end, as a client without Content-Length sends them. */
function endless(): Readable {
  const row = Buffer.from(`${JSON.stringify({ Title: 'x'.repeat(10_000), 'Release Date': 'Jun 12 1998' })},`.repeat(6));
  let first = true;
  return new Readable({
    read() {
      this.push(first ? Buffer.from('[') : row);
      first = false;
    },
  });
}

describe('uploading a file', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  test.each([
    ['nothing', {}, undefined, 415, 'The content type is missing; send application/json or text/csv.'],
    [
      'XML',
      { 'content-type': 'application/xml' },
      '<a/>',
      415,
      'The content type "application/xml" is not accepted; send application/json or text/csv.',
    ],
    [
      'a form',
      { 'content-type': 'multipart/form-data; boundary=x' },
      '--x--',
      415,
      'The content type "multipart/form-data; boundary=x" is not accepted; send application/json or text/csv.',
    ],
    [
      'Latin 1',
      { 'content-type': 'text/csv; charset=iso-8859-1' },
      'Title',
      415,
      'The character set iso-8859-1 is not accepted; send UTF-8.',
    ],
    [
      'a compressed file',
      { 'content-type': CSV_TYPE, 'content-encoding': 'gzip' },
      'Title',
      415,
      'The content encoding "gzip" is not accepted; send the file uncompressed.',
    ],
    [
      'an empty body',
      { 'content-type': JSON_TYPE, 'content-length': '0' },
      '',
      400,
      'The body is empty; send a file of films as application/json or text/csv.',
    ],
    [
      'an empty stream',
      { 'content-type': JSON_TYPE },
      Readable.from([]),
      400,
      'The file is empty; send a JSON array of films.',
    ],
    [
      'an object',
      { 'content-type': JSON_TYPE },
      '{"films":[]}',
      422,
      'The file must be a JSON array, but byte 1 is "{" instead of [.',
    ],
    ['an empty array', { 'content-type': JSON_TYPE }, '[]', 422, 'The file holds no rows; send at least one film.'],
    [
      'broken JSON',
      { 'content-type': JSON_TYPE },
      `[${GOOD},{]`,
      400,
      'The file ends within element 2; the closing ] is missing.',
    ],
    [
      'half a file',
      { 'content-type': JSON_TYPE },
      GOOD.slice(0, -1),
      400,
      'The file ends within element 1; the closing ] is missing.',
    ],
    [
      'a wrong header',
      { 'content-type': CSV_TYPE },
      'Title,Year\nUp,2009\n',
      422,
      /^Line 1, the header: "Year" is not a known column; the column "Release Date" is missing; allowed are Title, /,
    ],
    [
      'a header alone',
      { 'content-type': CSV_TYPE },
      'Title,Release Date\n',
      422,
      'The file holds no rows; send at least one film.',
    ],
    [
      'an open quote',
      { 'content-type': CSV_TYPE },
      'Title,Release Date\nUp,May 29 2009\n"Up',
      400,
      'The row that begins on line 3: a quote is opened and never closed.',
    ],
    [
      'text in Latin 1',
      { 'content-type': CSV_TYPE },
      Buffer.from('Title,Release Date\nAm\xe9lie,Apr 25 2001\n', 'latin1'),
      400,
      'The file is not UTF-8 near byte 22; save it as UTF-8.',
    ],
  ] as const)('refuses %s and keeps nothing', async (_what, headers, payload, status, detail) => {
    expectProblem(await send(test_, headers, payload), status, detail);
    await expectNothing(test_);
  });

  test('refuses a file that says that it is too large, before reading it', async () => {
    const response = await send(
      test_,
      { 'content-type': JSON_TYPE, 'content-length': '52428801' },
      Readable.from(['[']),
    );
    expectProblem(response, 413, 'The file is larger than 52428800 bytes, the most allowed; send it in parts.');
    await expectNothing(test_);
  });

  test('refuses a file that turns out to be too large', async () => {
    const response = await send(test_, { 'content-type': JSON_TYPE }, endless());
    expectProblem(response, 413, 'The file is larger than 52428800 bytes, the most allowed; send it in parts.');
    await expectNothing(test_);
  });

  test('a client that goes away half way leaves nothing', async () => {
    await test_.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = test_.app.server.address() as { port: number };
    const request = httpRequest({ port, method: 'POST', path: '/api/imports', headers: { 'content-type': JSON_TYPE } });
    request.on('error', () => undefined);
    request.write(GOOD.slice(0, 20));
    await eventually(async () => ((await storedFiles(test_)).length === 1 ? true : undefined), 'the upload has begun');
    request.destroy();
    await eventually(async () => ((await storedFiles(test_)).length === 0 ? true : undefined), 'the rest is deleted');
    await expectNothing(test_);
  });

  test('a client that is still sending gets the answer, not a broken connection', async () => {
    const { port } = test_.app.server.address() as { port: number };
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const request = httpRequest(
        { port, method: 'POST', path: '/api/imports', headers: { 'content-type': CSV_TYPE } },
        (response) => {
          let body = '';
          response.on('data', (part: Buffer) => (body += part.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on('error', reject);
      request.write('Name\n');
      Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(65_536, 'x\n'))).pipe(request);
    });
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.body)).toMatchObject({
      detail: expect.stringContaining('"Name" is not a known column') as unknown,
    });
    await expectNothing(test_);
  });
});
