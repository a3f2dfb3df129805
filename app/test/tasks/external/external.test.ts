import { Discard, NotSent, Snooze } from '../../../src/tasks';
import { externalFixture } from '../support/external-fixture';
import type { ExternalFixture, MailContext } from '../support/external-fixture';
import { gate } from '../support/gate';
import { until } from '../support/until';

let fixture: ExternalFixture;

beforeEach(async () => {
  fixture = await externalFixture();
  await fixture.startWorker();
});
afterEach(() => fixture.close());

it('E2: while the provider answers 429 the attempts back off, also under `park`, and then all are sent once', async () => {
  const { provider, tasks } = fixture;
  let refusals = 0;
  provider.reply = (_, response) => {
    refusals += 1;
    if (refusals > 8) provider.reply = provider.accepts;
    response.writeHead(refusals % 2 === 0 ? 429 : 503).end();
  };
  const ids = await Promise.all(
    [1, 2, 3, 4].flatMap(() => [fixture.accept('park', { attempts: 20 }), fixture.accept('repeat', { attempts: 20 })]),
  );
  const done = await Promise.all(ids.map((id) => fixture.reaches(id, 'done')));
  expect(Object.fromEntries(provider.accepted)).toEqual(Object.fromEntries(ids.map((id) => [`${id}:receipt`, 1])));
  expect(Math.max(...done.map(({ attempt }) => attempt))).toBeGreaterThan(1);
  expect(done.flatMap(({ attempts }) => attempts).find(({ error }) => error !== null)?.error).toMatch(
    /^NotSent: nothing was sent: the provider answered (429|503)$/,
  );
  expect(await tasks.list({ state: 'parked' })).toMatchObject({ items: [] });
});

it('receipts stay over attempts: what failed after them does not call again', async () => {
  fixture.run = async (context) => {
    const receipt = await fixture.sends(context);
    if (context.attempt === 1) throw new Error('after the mail');
    return receipt;
  };
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, result: 'mail-0' });
  expect(fixture.provider.calls()).toBe(1);
});

it.each([
  ['snoozed', new Snooze(3_600), { state: 'queued', attempt: 0 }],
  ['cancelled', new Discard('no such address'), { state: 'cancelled', attempt: 1 }],
] as const)('NotSent with a verdict as its cause: the task is %s', async (_, cause, task) => {
  fixture.run = ({ external }) => external('a', { onUnknown: 'park' }, () => Promise.reject(new NotSent(cause)));
  const id = await fixture.accept('park');
  await until('the attempt is over', async () => {
    const { state, attempt, effects } = (await fixture.tasks.get(id))!;
    return state === task.state && attempt === task.attempt && effects.length === 0;
  });
});

it('a call that returns nothing has the receipt null, and is not called again either', async () => {
  let calls = 0;
  fixture.run = async ({ external, attempt }) => {
    const receipt = await external('a', { onUnknown: 'park' }, () => {
      calls += 1;
      return Promise.resolve();
    });
    if (attempt === 1) throw new Error('again');
    return { receipt };
  };
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ result: { receipt: null } });
  expect(calls).toBe(1);
});

it('the first attempt sees the receipt as a later one would read it', async () => {
  const at = new Date('2026-01-31T12:00:00Z');
  fixture.run = ({ external }) => external('a', { onUnknown: 'park' }, () => Promise.resolve({ at }));
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ result: { at: at.toISOString() } });
});

const mistakes: [what: string, run: (context: MailContext) => Promise<unknown>, error: RegExp][] = [
  [
    'the same key twice',
    async ({ external }) => {
      await external('a', { onUnknown: 'repeat' }, () => Promise.resolve(1));
      await external('a', { onUnknown: 'repeat' }, () => Promise.resolve(2));
    },
    /key "a" was used before in this attempt/,
  ],
  ['an empty key', ({ external }) => external('', { onUnknown: 'park' }, () => Promise.resolve(1)), /key is ""/],
  [
    'a key of 101 characters',
    ({ external }) => external('x'.repeat(101), { onUnknown: 'park' }, () => Promise.resolve(1)),
    /allowed is text of 1 to 100 characters/,
  ],
  [
    'a key with U+0000',
    ({ external }) => external('a\0', { onUnknown: 'park' }, () => Promise.resolve(1)),
    /allowed is text of 1 to 100 characters/,
  ],
  [
    'no policy',
    ({ external }) => external('a', {} as never, () => Promise.resolve(1)),
    /onUnknown is undefined; allowed is repeat, park/,
  ],
  [
    'a call inside an open transaction of the handler',
    ({ external, transaction }) =>
      transaction(async (tx) => {
        await tx.query('select 1');
        await external('a', { onUnknown: 'park' }, () => Promise.resolve(1));
      }),
    /a transaction of this handler is open and holds its task/,
  ],
  [
    'a call inside effects',
    ({ external, effects }) => {
      effects(() => external('a', { onUnknown: 'park' }, () => Promise.resolve(1)));
      return Promise.resolve();
    },
    /the attempt is over/,
  ],
];
it.each(mistakes)('%s is refused before anything is called, and the task is dead', async (_, run, error) => {
  fixture.run = run;
  const id = await fixture.accept('park');
  expect((await fixture.reaches(id, 'dead')).error).toMatch(error);
});

it.each([
  ['too large', () => 'x'.repeat(16 * 1024), /16386 bytes of JSON; at most 16384/],
  ['with U+0000', () => 'a\0b', /holds U\+0000/],
  ['no JSON', () => 1n, /cannot be written as JSON/],
])('a receipt that is %s counts as null: it happened, and the task is dead', async (_, receipt, error) => {
  const call = (): Promise<unknown> => Promise.resolve(receipt());
  fixture.run = ({ external }) => external('a', { onUnknown: 'park' }, call);
  const id = await fixture.accept('park');
  const task = await fixture.reaches(id, 'dead');
  expect(task.error).toMatch(error);
  expect(task.effects).toMatchObject([{ receipt: null, receiptAt: expect.any(Date) as Date }]);
});

it('a call that outlasts its handler is waited for, and its receipt is kept', async () => {
  const returned = gate();
  fixture.run = ({ external }) => {
    void external('a', { onUnknown: 'park' }, async () => {
      await returned.opened;
      return 'late';
    });
    setImmediate(() => returned.open());
    return Promise.resolve('early');
  };
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ result: 'early', effects: [{ receipt: 'late' }] });
});
