import { z } from 'zod';
import type { AcceptOptions } from '../../../src/tasks';
import { defineTask, InvalidTaskError } from '../../../src/tasks';
import { prepareKeys } from '../../../src/tasks/accepting/keys';
import type { Keys } from '../../../src/tasks/accepting/keys';
import { prepare } from '../../../src/tasks/accepting/prepare';
import { Turns } from '../../../src/tasks/accepting/turns';
import { gate } from '../support/gate';

const PARENT = '0b7b3a52-7d0e-7b3c-9f3e-3f1d2f0c9a11';
const anything = defineTask({ name: 'anything', payload: z.unknown() });
const keysOf = (options: AcceptOptions, ...payloads: unknown[]): Keys | undefined =>
  prepareKeys(
    anything,
    options,
    payloads.map((payload) => prepare(anything, payload, options)),
  );
const print = (options: AcceptOptions, ...payloads: unknown[]): string | undefined =>
  keysOf({ requestKey: 'k', ...options }, ...payloads)?.request?.fingerprint.toString('hex');

describe('keys are refused before any connection is used', () => {
  test.each([
    [{ requestKey: '' }, 'requestKey: is not text of 1 to 255 characters'],
    [{ requestKey: 'x'.repeat(256) }, 'requestKey: is not text of 1 to 255 characters'],
    [{ requestKey: 'a\0' }, 'requestKey: holds U+0000 or half of a surrogate pair, which cannot be stored'],
    [{ requestFingerprint: 'a' }, 'requestFingerprint: is given without a requestKey'],
    [{ uniqueKey: '' }, 'uniqueKey: is not text of 1 to 255 characters'],
    [{ uniqueKey: '\ud800' }, 'uniqueKey: holds U+0000 or half of a surrogate pair, which cannot be stored'],
    [{ uniqueKey: { key: '' } }, 'uniqueKey.key: is not text of 1 to 255 characters'],
    [{ uniqueKey: { key: 'a', until: 'end' as 'finish' } }, 'uniqueKey.until: "end" is not one of start, finish'],
  ])('%j', (options, message) => {
    expect(() => keysOf(options, 1)).toThrow(new InvalidTaskError(message.split(':')[0]!, message.split(': ')[1]!));
  });

  it('accepts none, and keys of 255 characters of four bytes', () => {
    expect(keysOf({}, 1)).toBeUndefined();
    expect(keysOf({ requestKey: '\u{1F600}'.repeat(127) }, 1)).toBeDefined();
  });
});

describe('the fingerprint of a request', () => {
  it('does not depend on the order of fields', () => {
    expect(print({}, { a: 1, b: { c: [1, { d: 1, e: 2 }], 1: 2 } })).toBe(
      print({}, { b: { 1: 2, c: [1, { e: 2, d: 1 }] }, a: 1 }),
    );
  });

  test.each([
    ['the payload', print({}, { a: 2 })],
    ['a field that is called __proto__', print({}, JSON.parse('{"a":1,"__proto__":2}'))],
    ['the number of payloads', print({}, { a: 1 }, { a: 1 })],
    ['the queue', print({ queue: 'other' }, { a: 1 })],
    ['the priority', print({ priority: 'low' }, { a: 1 })],
    ['runAt', print({ runAt: new Date(0) }, { a: 1 })],
    ['what it waits for', print({ after: [PARENT] }, { a: 1 })],
    ['what the caller says', print({ requestFingerprint: 'x' }, { a: 1 })],
  ])('changes with %s', (_what, other) => {
    expect(other).not.toBe(print({}, { a: 1 }));
  });

  it('does not depend on the trace, which every repetition may have anew, but on each parent’s policy', () => {
    expect(print({ trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, 1)).toBe(print({}, 1));
    const running = { id: PARENT, onFailure: 'run' } as const;
    expect(print({ after: [running] }, 1)).not.toBe(print({ after: [PARENT] }, 1));
  });

  it('is what the caller says, whatever else there is', () => {
    expect(print({ requestFingerprint: 'x', queue: 'a' }, 1)).toBe(print({ requestFingerprint: 'x' }, 2));
  });
});

describe('turns', () => {
  it('come one after the other under one name, also after one that failed, and independently under another', async () => {
    const turns = new Turns();
    const first = gate();
    const order: string[] = [];
    const failing = turns.take('a', async () => {
      await first.opened;
      order.push('first');
      throw new Error('no');
    });
    const second = turns.take('a', () => Promise.resolve(order.push('second')));
    await turns.take('b', () => Promise.resolve(order.push('other')));
    first.open();
    await expect(failing).rejects.toThrow('no');
    await second;
    expect(order).toEqual(['other', 'first', 'second']);
  });
});
