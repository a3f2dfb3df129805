import { lineOf } from '../../../src/tasks/task-log/line';

const fieldsOf = (fields: unknown): unknown => JSON.parse(lineOf('info', fields, '').fields ?? 'null');

describe('a line that a handler logs is kept as PostgreSQL can store it', () => {
  it.each([
    ['plain fields', { rows: 3, of: ['a'] }, { rows: 3, of: ['a'] }],
    ['no fields', {}, null],
    ['nothing', undefined, null],
    [
      'an error',
      { err: new RangeError('no') },
      { err: { type: 'RangeError', message: 'no', stack: expect.any(String) as string } },
    ],
    ['what JSON has not', { big: 12n }, { big: '12' }],
    ['U+0000 and halves of characters', { 'a\u0000': 'b\u0000\ud800\\u0000' }, { 'a\ufffd': 'b\ufffd\ufffd\\u0000' }],
    [
      'secrets by the names that the app leaves out',
      { password: 'x', user: { authorization: 'y' } },
      { password: '[Redacted]', user: { authorization: '[Redacted]' } },
    ],
    ['more than 4 KiB', { text: 'x'.repeat(5_000) }, { omitted: 'the fields have 5011 bytes of JSON; 4096 are kept' }],
  ])('%s', (_, given, kept) => {
    expect(fieldsOf(given)).toEqual(kept);
  });

  it('fields that cannot be written as JSON, or throw when they are looked at', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const angry = {
      get at() {
        throw new Error('do not look');
      },
    };
    expect(fieldsOf(circular)).toEqual({ omitted: expect.stringContaining('cannot be written as JSON') as string });
    expect(fieldsOf(angry)).toEqual({ omitted: 'the fields cannot be written as JSON: Error: do not look' });
  });

  it('the message without U+0000, at most 4,000 characters, whatever it is', () => {
    expect(lineOf('warn', {}, 'a\u0000b')).toEqual({ level: 'warn', message: 'ab', fields: null });
    expect(lineOf('warn', {}, 'x'.repeat(5_000)).message).toHaveLength(4_000);
    expect(lineOf('warn', {}, undefined).message).toBe('undefined');
  });
});
