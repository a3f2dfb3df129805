import { z } from 'zod';
import { defineTask, DefinitionError, isValidName } from '../../src/tasks';
import type { TaskDefinition } from '../../src/tasks';

type Props = Parameters<typeof defineTask>[0];

const NAME_RULE = 'lower-case letters, digits, dots and dashes, at most 100, starting with a letter or digit';
const tooLong = 'a'.repeat(101);

describe('defineTask', () => {
  const valid = { name: 'films.import', payload: z.object({ film: z.string() }) };

  it('fills in what the definition leaves out', () => {
    const { payload, ...rest } = defineTask(valid);
    expect(payload).toBe(valid.payload);
    expect(rest).toEqual<Omit<TaskDefinition, 'payload'>>({
      name: 'films.import',
      version: 1,
      upgrade: {},
      queue: 'default',
      priority: 'normal',
      attempts: 5,
      backoff: { firstSeconds: 1, factor: 2, maxSeconds: 3600, jitter: 0.2 },
      timeLimitSeconds: 60,
      result: undefined,
      retryIf: undefined,
      keepLog: undefined,
    });
  });

  it('keeps what the definition says, also at the edges of what is allowed', () => {
    const given = {
      name: 'a'.repeat(100),
      version: 32_767,
      queue: '0',
      priority: 'bulk',
      attempts: 100,
      backoff: { firstSeconds: 0, factor: 1, maxSeconds: 604_800, jitter: 1 },
      timeLimitSeconds: 86_400,
      keepLog: { lines: 10_000 },
    } as const;
    expect(defineTask({ ...valid, ...given })).toMatchObject(given);
  });

  it('keeps 100 lines an attempt of a log that is to be kept without further words', () => {
    expect(defineTask({ ...valid, keepLog: true }).keepLog).toEqual({ lines: 100 });
    expect(defineTask({ ...valid, keepLog: false }).keepLog).toBeUndefined();
  });

  const wrong: [field: string, props: object, shown: string, allowed: string][] = [
    ['name', { name: '' }, '""', NAME_RULE],
    ['name', { name: 'Films' }, '"Films"', NAME_RULE],
    ['name', { name: '-films' }, '"-films"', NAME_RULE],
    ['name', { name: 'films import' }, '"films import"', NAME_RULE],
    ['name', { name: tooLong }, `"${tooLong}"`, NAME_RULE],
    ['queue', { queue: 'a:b' }, '"a:b"', NAME_RULE],
    ['queue', { queue: '' }, '""', NAME_RULE],
    ['priority', { priority: 'urgent' }, '"urgent"', 'one of high, normal, low, bulk'],
    ['version', { version: 0 }, '0', 'a whole number from 1 to 32767'],
    ['version', { version: 1.5 }, '1.5', 'a whole number from 1 to 32767'],
    ['version', { version: 32_768 }, '32768', 'a whole number from 1 to 32767'],
    ['attempts', { attempts: 0 }, '0', 'a whole number from 1 to 100'],
    ['attempts', { attempts: 101 }, '101', 'a whole number from 1 to 100'],
    ['attempts', { attempts: Number.NaN }, 'NaN', 'a whole number from 1 to 100'],
    ['attempts', { attempts: Infinity }, 'Infinity', 'a whole number from 1 to 100'],
    ['timeLimitSeconds', { timeLimitSeconds: 0 }, '0', 'a whole number from 1 to 86400'],
    ['timeLimitSeconds', { timeLimitSeconds: 86_401 }, '86401', 'a whole number from 1 to 86400'],
    ['backoff.firstSeconds', { backoff: { firstSeconds: -1 } }, '-1', 'a number from 0 to 86400'],
    ['backoff.factor', { backoff: { factor: 0.5 } }, '0.5', 'a number from 1 to 10'],
    ['backoff.maxSeconds', { backoff: { maxSeconds: 604_801 } }, '604801', 'a number from 0 to 604800'],
    ['backoff.jitter', { backoff: { jitter: 1.1 } }, '1.1', 'a number from 0 to 1'],
    ['backoff.jitter', { backoff: { jitter: Number.NaN } }, 'NaN', 'a number from 0 to 1'],
  ];

  it.each(wrong)('names a wrong %s, what was given and what is allowed: %j', (field, props, shown, allowed) => {
    const all = { ...valid, ...props } as Props;
    const define = (): unknown => defineTask(all);
    expect(define).toThrow(DefinitionError);
    expect(define).toThrow(new Error(`task '${all.name}': ${field} is ${shown}; allowed is ${allowed}`));
  });

  it('lets others check names by the same rule', () => {
    expect(['default', 'a.b-c', '0'].map(isValidName)).toEqual([true, true, true]);
    expect(['', 'A', '.a', 'a_b', tooLong].map(isValidName)).toEqual([false, false, false, false, false]);
  });
});
