import { InvalidTaskError, TaskStateError } from '../../../src/tasks';
import type { AcceptOptions, OnUnknown } from '../../../src/tasks';
import { EXTERNAL } from '../../../src/tasks/external/external-statements';
import { externalFixture } from '../support/external-fixture';
import type { ExternalFixture } from '../support/external-fixture';
import { gate } from '../support/gate';
import { takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';

let fixture: ExternalFixture;

beforeEach(async () => {
  fixture = await externalFixture();
});
afterEach(() => fixture.close());

/** The first attempt's call is accepted and not answered; its handler gives up as a client's time-out would. */
async function acceptedAndNotAnswered(onUnknown: OnUnknown, options?: AcceptOptions): Promise<string> {
  const { provider } = fixture;
  const asked = gate();
  provider.reply = (...request) => {
    provider.silent(...request);
    provider.reply = provider.accepts;
    asked.open();
  };
  fixture.run = ({ external, payload, attempt }) =>
    external('receipt', payload, async ({ idempotencyKey, signal }) => {
      const timeout = new AbortController();
      if (attempt === 1) void asked.opened.then(() => timeout.abort(new Error('no answer in time')));
      return provider.send(idempotencyKey, AbortSignal.any([signal, timeout.signal]));
    });
  await fixture.startWorker();
  return fixture.accept(onUnknown, options);
}

describe('E1: the provider accepts and does not answer', () => {
  it('under `repeat` the next attempt calls under the same key, so the provider acts once', async () => {
    const { provider } = fixture;
    const id = await acceptedAndNotAnswered('repeat');
    const task = await fixture.reaches(id, 'done');
    expect(Object.fromEntries(provider.accepted)).toEqual({ [`${id}:receipt`]: 2 });
    expect(task).toMatchObject({
      ...{ attempt: 2, result: 'mail-0' },
      effects: [{ key: 'receipt', onUnknown: 'repeat', receipt: 'mail-0', resolved: false }],
    });
  });

  it('under `park` it is called once, and the task waits for a person at once, with an error in the log', async () => {
    const { provider, tasks, parts } = fixture;
    const id = await acceptedAndNotAnswered('park');
    const task = await fixture.reaches(id, 'parked');
    expect(provider.calls()).toBe(1);
    expect(task).toMatchObject({
      ...{ attempt: 1, finishedAt: null },
      error:
        'Parked: whether the external effect "receipt" happened is unknown, so a person must decide: Error: no answer in time',
      effects: [{ key: 'receipt', onUnknown: 'park', receiptAt: null, receipt: null, resolved: false }],
    });
    expect(await taskRow(fixture, id)).toMatchObject({ run_at: Infinity, resume_at: expect.any(Date) as Date });
    const line = await until('it is logged', () => parts.logger.saying('task is parked')[0]);
    expect(line).toMatchObject({ level: 'error', fields: { task: id } });
    expect((await tasks.list({ state: 'parked' })).items).toHaveLength(1);
  });

  it('resolved as `sent` the task goes on with the receipt that the person found, and does not call', async () => {
    const { provider, tasks } = fixture;
    const id = await acceptedAndNotAnswered('park');
    await fixture.reaches(id, 'parked');
    const resolved = await tasks.resolve(id, { outcome: 'sent', receipt: 'mail-77' });
    expect(resolved).toMatchObject({ id, effects: [{ receipt: 'mail-77', resolved: true }] });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, result: 'mail-77' });
    expect(provider.calls()).toBe(1);
  });

  it('resolved as `not-sent` the next attempt calls', async () => {
    const { provider, tasks } = fixture;
    const id = await acceptedAndNotAnswered('park');
    await fixture.reaches(id, 'parked');
    await tasks.resolve(id, { outcome: 'not-sent' });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, effects: [{ resolved: false }] });
    expect(provider.calls()).toBe(2);
    await expect(tasks.resolve(id, { outcome: 'sent' })).rejects.toThrow(TaskStateError);
  });

  it('after the last attempt it is parked as well, and resolving gives it one more', async () => {
    const { tasks } = fixture;
    const id = await acceptedAndNotAnswered('park', { attempts: 1 });
    expect(await fixture.reaches(id, 'parked')).toMatchObject({ attempt: 1 });
    await tasks.resolve(id, { outcome: 'not-sent' });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, maxAttempts: 2 });
  });

  it('past the time limit it is parked, not tried again', async () => {
    const { provider } = fixture;
    provider.reply = provider.silent;
    const id = await fixture.accept('park');
    await fixture.rows('update holdfast.task set time_limit_seconds = 1 where uuid = $1', [id]);
    await fixture.startWorker();
    expect(await fixture.reaches(id, 'parked')).toMatchObject({ attempt: 1 });
    expect(provider.calls()).toBe(1);
  });

  it('a handler that swallows the error does not complete the task', async () => {
    const { provider } = fixture;
    provider.reply = (request) => request.socket.destroy();
    fixture.run = (context) => fixture.sends(context).catch(() => 'it will be all right');
    await fixture.startWorker();
    const id = await fixture.accept('park');
    expect(await fixture.reaches(id, 'parked')).toMatchObject({ attempt: 1, result: null });
  });
});

describe('resolve', () => {
  it('asks which effect when several are in question, and queues the task when all are decided', async () => {
    const { tasks } = fixture;
    const called: string[] = [];
    fixture.run = ({ external, attempt }) =>
      Promise.all(
        ['a', 'b'].map((key) =>
          external(key, { onUnknown: 'park' }, ({ idempotencyKey }) => {
            called.push(idempotencyKey);
            return attempt === 1 ? Promise.reject(new Error('no answer')) : Promise.resolve(key);
          }),
        ),
      );
    await fixture.startWorker();
    const id = await fixture.accept('park');
    await fixture.reaches(id, 'parked');
    await expect(tasks.resolve(id, { outcome: 'sent' })).rejects.toThrow(
      new InvalidTaskError('key', 'is missing; in question is "a", "b"'),
    );
    await expect(tasks.resolve(id, { key: 'c', outcome: 'sent' })).rejects.toThrow('is "c"; in question is "a", "b"');
    await expect(tasks.resolve(id, { key: 'a', outcome: 'not-sent', receipt: 1 })).rejects.toThrow(InvalidTaskError);
    expect(await tasks.resolve(id, { key: 'a', outcome: 'sent' })).toMatchObject({ state: 'parked' });
    await tasks.resolve(id, { key: 'b', outcome: 'not-sent' });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ result: [null, 'b'] });
    // Both at once, in either order.
    expect(called.slice(0, 2).sort()).toEqual([`${id}:a`, `${id}:b`]);
    expect(called.slice(2)).toEqual([`${id}:b`]);
  });

  it('finds no task, and refuses one whose receipt came in after it was parked', async () => {
    const { tasks } = fixture;
    expect(await tasks.resolve('01234567-89ab-4cde-8f01-23456789abcd', { outcome: 'sent' })).toBeUndefined();
    const id = await acceptedAndNotAnswered('park');
    await fixture.reaches(id, 'parked');
    await fixture.rows(`update holdfast.external_effect set receipt = '"late"', receipt_at = now()`);
    await expect(tasks.resolve(id, { outcome: 'not-sent' })).rejects.toThrow('the receipt has come in meanwhile');
    await tasks.resolve(id, { outcome: 'sent', receipt: 'other' });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ result: 'late', effects: [{ resolved: false }] });
  });
});

it.each([undefined, 'receipt'])(
  'one whose call said NotSent after it was parked goes on as not sent, and is no question of `sent` (key: %s)',
  async (key) => {
    const { provider, tasks } = fixture;
    const id = await acceptedAndNotAnswered('park');
    await fixture.reaches(id, 'parked');
    // What the call of that attempt does when it comes back late.
    const { id: bigint, fence } = await taskRow(fixture, id);
    await fixture.rows(EXTERNAL.not_sent, [bigint, fence, 'receipt']);
    const of = key === undefined ? {} : { key };
    await expect(tasks.resolve(id, { outcome: 'sent', receipt: 'mail-77', ...of })).rejects.toThrow(
      new InvalidTaskError('outcome', 'is sent, but the call itself has said meanwhile that nothing was sent'),
    );
    expect((await tasks.get(id))?.state).toBe('parked');
    await tasks.resolve(id, { outcome: 'not-sent', ...of });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, result: 'mail-0' });
    expect(provider.calls()).toBe(2);
  },
);

it('a task that is to be cancelled while it is in doubt is cancelled, for nobody has to decide', async () => {
  fixture.run = async ({ external, taskId }) =>
    external('receipt', { onUnknown: 'park' }, async () => {
      await fixture.rows('update holdfast.task set cancel_requested_at = now() where uuid = $1', [taskId]);
      throw new Error('no answer');
    });
  await fixture.startWorker();
  await fixture.reaches(await fixture.accept('park'), 'cancelled');
});

it('a worker that has to stop during a call under `park` gives the task back, and the next attempt is parked', async () => {
  const { provider } = fixture;
  const asked = gate();
  provider.reply = (...request) => {
    provider.silent(...request);
    asked.open();
  };
  const worker = await fixture.startWorker();
  const id = await fixture.accept('park');
  await asked.opened;
  await worker.stop({ deadlineSeconds: 0 });
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'queued', attempts: 0 });
  await fixture.startWorker();
  await fixture.reaches(id, 'parked');
  expect(provider.calls()).toBe(1);
});

it('a stale fence cannot begin a call', async () => {
  const tried = gate();
  let error: unknown;
  fixture.run = async (context) => {
    await takeAway(fixture, context.taskId);
    await fixture.sends(context).catch((thrown: unknown) => (error = thrown));
    tried.open();
  };
  await fixture.startWorker();
  await fixture.accept('repeat');
  await tried.opened;
  expect(error).toMatchObject({ name: 'FencedOff' });
  expect(fixture.provider.calls()).toBe(0);
  expect(await fixture.rows('select from holdfast.external_effect')).toEqual([]);
});
