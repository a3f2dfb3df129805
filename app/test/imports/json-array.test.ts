import { Readable } from 'node:stream';
import { MAX_ELEMENT_BYTES, readJsonArray } from '../../src/imports/json-array';
import type { RawRow } from '../../src/imports/raw-row';

/** Reads `text` in chunks of `size` bytes. */
async function read(text: string | Buffer, size = 7): Promise<RawRow[]> {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size));
  const rows: RawRow[] = [];
  for await (const row of readJsonArray(Readable.from(chunks))) rows.push(row);
  return rows;
}

const values = (rows: readonly RawRow[]): unknown[] => rows.map((row) => ('value' in row ? row.value : row.problem));

describe('readJsonArray', () => {
  test('numbers the elements from 1', async () => {
    expect(await read('[{"a":1}, 2]')).toEqual([
      { row: 1, value: { a: 1 } },
      { row: 2, value: 2 },
    ]);
  });

  test.each([
    ['an empty array', '[]'],
    ['white space everywhere', ' \n[ \t1 ,\r\n 2 ] \n'],
    ['brackets, commas and quotes in strings', '["a],[", "{\\"", "\\\\", "\\\\\\"]"]'],
    ['nesting', '[[1,[2,{"a":[3,"]"]}]],{"b":{"c":[]}}]'],
    ['characters of up to four bytes', '["é","€","😀",{"😀":"é,]"}]'],
    ['escapes', '["\\u005d\\u0022","\\n"]'],
  ])('reads %s like JSON.parse, however it is cut', async (_what, text) => {
    const wanted = JSON.parse(text) as unknown[];
    for (const size of [1, 2, 3, 5, 64]) expect(values(await read(text, size))).toEqual(wanted);
  });

  test('skips a byte order mark', async () => {
    expect(values(await read('\ufeff[1]', 1))).toEqual([1]);
  });

  test('agrees with JSON.parse on text that was damaged at random', async () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const original = JSON.stringify([{ a: 'x,]"\\', b: [1, null, { c: '}' }] }, 'é[', -1.5e3, [], {}, true]);
    const agreed = { both: 0, neither: 0 };
    for (let i = 0; i < 3000; i += 1) {
      const letters = Array.from(original);
      for (let n = random(3); n >= 0; n -= 1) {
        const at = random(letters.length);
        if (random(2) === 0) letters.splice(at, 1);
        else letters.splice(at, 0, '[]{}",\\ 1'.charAt(random(9)));
      }
      const text = letters.join('');
      const parsed = parse(text);
      const got = await read(text, 1 + random(9)).then(values, () => undefined);
      expect({ text, got }).toEqual({ text, got: Array.isArray(parsed) ? parsed : undefined });
      if (got === undefined) agreed.neither += 1;
      else agreed.both += 1;
    }
    expect(agreed.both).toBeGreaterThan(100);
    expect(agreed.neither).toBeGreaterThan(1000);
  });

  test.each([
    ['nothing', '', 'syntax', 'The file is empty; send a JSON array of films.'],
    ['white space', ' \n ', 'syntax', 'The file is empty; send a JSON array of films.'],
    ['an object', ' {"a":1}', 'content', 'The file must be a JSON array, but byte 2 is "{" instead of [.'],
    ['a string', '"[1]"', 'content', 'The file must be a JSON array, but byte 1 is "\\"" instead of [.'],
    ['a missing end', '[1,2', 'syntax', 'The file ends within element 2; the closing ] is missing.'],
    ['an open string', '[1,"2]', 'syntax', 'The file ends within element 2; the closing ] is missing.'],
    ['a comma too many', '[1,]', 'syntax', 'Element 2 is missing: there is a comma with nothing before or after it.'],
    ['two commas', '[1,,2]', 'syntax', 'Element 2 is missing: there is a comma with nothing before or after it.'],
    ['a comma only', '[,]', 'syntax', 'Element 1 is missing: there is a comma with nothing before or after it.'],
    ['text behind it', '[1] [2]', 'syntax', "Byte 5 comes after the array's closing ]; nothing may follow it."],
    ['a brace too many', '[1,}]', 'syntax', 'Element 2: byte 4 is a } that nothing opened.'],
    ['single quotes', "[{'a':1}]", 'syntax', /^Element 1 is not JSON: .*\.$/],
    ['no comma', '[1 2]', 'syntax', /^Element 1 is not JSON: /],
    ['NaN', '[0,NaN]', 'syntax', /^Element 2 is not JSON: /],
  ])('refuses %s', async (_what, text, kind, message) => {
    await expect(read(text)).rejects.toMatchObject({
      name: 'MalformedFileError',
      kind,
      message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
    });
  });

  test('holds no more than one element of limited length in memory', async () => {
    const fits = JSON.stringify('x'.repeat(MAX_ELEMENT_BYTES - 2));
    expect(await read(`[${fits},${fits}]`, 65_536)).toHaveLength(2);
    await expect(read(`[1,${JSON.stringify('x'.repeat(MAX_ELEMENT_BYTES))}]`, 65_536)).rejects.toThrow(
      'Element 2 is longer than 262144 bytes, the most allowed.',
    );
  });
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
