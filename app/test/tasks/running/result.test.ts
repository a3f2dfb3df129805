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
