import { z } from 'zod';
import { createTasks, defineTask, InvalidTaskError } from '../../../src/tasks';
import type { AcceptOptions, Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';

const anything = defineTask({ name: 'anything', payload: z.unknown() });
const film = defineTask({
  name: 'film',
  payload: z.object({ title: z.string(), cast: z.array(z.object({ name: z.string() })) }),
});

const circular: { self?: unknown } = {};
circular.self = circular;
const LIMIT_BYTES = 256 * 1024;
/** A string whose JSON has this many bytes. */
const ofBytes = (bytes: number): string => 'x'.repeat(bytes - 2);
const NAME_RULE = 'lower-case letters, digits, dots and dashes, at most 100, starting with a letter or digit';
const nextYear = new Date(Date.now() + 367 * 24 * 3600 * 1000);

describe('what cannot be accepted is refused with the part and the reason, and nothing is written', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;
  const count = async (): Promise<number> =>
    (await fixture.rows<{ count: number }>('select count(*)::int from holdfast.task'))[0]!.count;

  beforeAll(async () => {
    fixture = await ledgerFixture();
    tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
  });
  afterAll(async () => {
    await tasks.close();
    await fixture.drop();
  });

  const payloads: [what: string, payload: unknown, message: string | RegExp][] = [
    ['undefined', undefined, 'payload: cannot be written as JSON: it is undefined or a function'],
    ['a function', () => 1, 'payload: cannot be written as JSON: it is undefined or a function'],
    ['circular', circular, /^payload: cannot be written as JSON: Converting circular structure to JSON/],
    ['a bigint', 1n, 'payload: cannot be written as JSON: Do not know how to serialize a BigInt'],
    [
      'one byte too long',
      ofBytes(LIMIT_BYTES + 1),
      'payload: has 262145 bytes of JSON; at most 262144 are allowed: store it as an object and pass its key',
    ],
    [
      'small as JSON and too long as PostgreSQL writes its numbers out',
      Array(1_000).fill(1e308),
      'payload: has 315001 bytes of JSON; at most 262144 are allowed: store it as an object and pass its key',
    ],
    [
      'too long in bytes, not in characters',
      'é'.repeat(LIMIT_BYTES / 2),
      'payload: has 262146 bytes of JSON; at most 262144 are allowed: store it as an object and pass its key',
    ],
  ];

  it.each(payloads)('a payload that is %s', async (_what, payload, message) => {
    await refused(tasks.accept(anything, payload), message);
    await refused(tasks.acceptMany(anything, ['good', payload]), message);
  });

  it('a payload that does not fit its schema, with the path to the place', async () => {
    const payload = { title: 'Metropolis', cast: [{ name: 'Brigitte Helm' }, { name: 7 }] };
    await refused(
      tasks.accept(film, payload as never),
      "payload.cast.1.name: Invalid input: expected string, received number (task 'film')",
    );
    await refused(
      tasks.accept(film, null as never),
      "payload: Invalid input: expected object, received null (task 'film')",
    );
  });

  it('a payload that fits its schema only before it is written as JSON', async () => {
    const dated = defineTask({ name: 'dated', payload: z.object({ at: z.date() }) });
    await refused(
      tasks.accept(dated, { at: new Date() }),
      "payload.at: Invalid input: expected date, received string (task 'dated')",
    );
  });

  const options: [what: string, options: object, message: string][] = [
    ['a queue', { queue: 'Big Jobs' }, `queue: "Big Jobs" is not a name: ${NAME_RULE}`],
    ['a priority', { priority: 'urgent' }, 'priority: "urgent" is not one of high, normal, low, bulk'],
    ['attempts', { attempts: 0 }, 'attempts: 0 is not a whole number from 1 to 100'],
    ['attempts', { attempts: 101 }, 'attempts: 101 is not a whole number from 1 to 100'],
    ['attempts', { attempts: 2.5 }, 'attempts: 2.5 is not a whole number from 1 to 100'],
    ['a runAt', { runAt: new Date(Number.NaN) }, 'runAt: is not a valid date'],
    ['a runAt', { runAt: nextYear }, `runAt: ${nextYear.toISOString()} is more than a year ahead`],
  ];

  it.each(options)('%s out of range: %j', async (_what, given, message) => {
    await refused(tasks.accept(anything, 1, given as AcceptOptions), message);
  });

  it('also in a transaction of the caller, which goes on', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    await refused(tasks.accept(client, anything, undefined), payloads[0]![2]);
    await client.query('select 1');
    await client.query('rollback');
  });

  it('while the largest payload, the farthest runAt and the most attempts that are allowed are accepted', async () => {
    const payload = ofBytes(LIMIT_BYTES);
    const runAt = new Date(Date.now() + 365 * 24 * 3600 * 1000);
    const { id } = await tasks.accept(anything, payload, { runAt, attempts: 100, priority: 'bulk', queue: '0' });
    expect(await tasks.get(id)).toMatchObject({ payload, runAt, maxAttempts: 100, priority: 'bulk', queue: '0' });
  });

  async function refused(accepting: Promise<unknown>, message: string | RegExp): Promise<void> {
    const before = await count();
    const error: unknown = await accepting.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InvalidTaskError);
    const { path, message: said } = error as InvalidTaskError;
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
    expect(said.startsWith(`${path}: `)).toBe(true);
    expect(await count()).toBe(before);
  }
});
