import { z } from 'zod';
import { NonRetryable } from '../../../src/tasks';
import { MAX_RESULT_BYTES, resultOf } from '../../../src/tasks/running/result';

describe('what a handler returns', () => {
  it.each([
    ['nothing', undefined, undefined],
    ['null', null, 'null'],
    ['an object', { films: 3, seen: [1, 2] }, '{"films":3,"seen":[1,2]}'],
    ['the text of an escape, which is no U+0000', '\\u0000', '"\\\\u0000"'],
    ['as much as is allowed', 'x'.repeat(MAX_RESULT_BYTES - 2), `"${'x'.repeat(MAX_RESULT_BYTES - 2)}"`],
  ])('is kept as JSON: %s', (_, returned, json) => {
    expect(resultOf(returned)).toBe(json);
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  it.each([
    ['a function', () => 1, 'the result cannot be written as JSON: it is a function or a symbol'],
    ['a circle', circular, /^the result cannot be written as JSON: Converting circular structure/],
    ['U+0000', { text: 'a\u0000b' }, 'the result holds U+0000, which PostgreSQL does not store'],
    [
      'half of a surrogate pair',
      'a\ud800b',
      'the result holds half of a surrogate pair, which PostgreSQL does not store',
    ],
    ['U+0000 behind a backslash', '\\\u0000', 'the result holds U+0000, which PostgreSQL does not store'],
    [
      'too much',
      'x'.repeat(MAX_RESULT_BYTES),
      'the result has 65538 bytes of JSON; at most 65536 are allowed: store it as an object and return its key',
    ],
  ])('that cannot be kept ends the task, because another attempt would return the same: %s', (_, returned, message) => {
    expect(() => resultOf(returned)).toThrow(NonRetryable);
    expect(() => resultOf(returned)).toThrow(message);
  });
});

describe('what a handler returns, where its definition says what that is,', () => {
  const schema = z.object({ films: z.int(), at: z.iso.datetime() });

  it('is kept when it fits as JSON', () => {
    const json = '{"films":3,"at":"2026-01-02T03:04:05.000Z"}';
    expect(resultOf({ films: 3, at: new Date('2026-01-02T03:04:05Z') }, schema)).toBe(json);
    expect(resultOf(undefined, z.undefined())).toBeUndefined();
  });

  it.each([
    ['another shape', { films: 'three', at: '2026-01-02T03:04:05Z' }, /definition: result\.films: .*expected number/],
    ['nothing', undefined, /definition: result: .*expected object/],
  ])('ends the task when it does not fit: %s', (_, returned, message) => {
    expect(() => resultOf(returned, schema)).toThrow(NonRetryable);
    expect(() => resultOf(returned, schema)).toThrow(message);
  });
});
