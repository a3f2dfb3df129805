import type { OutboxMessage } from '../../src/outbox/outbox-message';
import { forgetContacts } from '../../src/contacts/contact-store';
import { insertReminder } from '../../src/reminders/reminder-store';
import { acceptReminders, sendReminder } from '../../src/reminders/reminders.task';
import { ADMIN, eventually, expectProblem, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

/** All on 14 July 2099, when Berlin is two hours ahead of UTC. */
const EVENING = '2099-07-14T18:30:00.000Z';
const NINE = '2099-07-14T07:00:00.000Z';
const NEXT_NINE = '2099-07-15T07:00:00.000Z';
const UNKNOWN = '01234567-89ab-4cde-8f01-23456789abcd';

describe('reminders', () => {
  let test_: TestApp;
  let people = 0;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  const post = (url: string, payload: object) => test_.request({ method: 'POST', url, payload });
  const messagesTo = (address: string): OutboxMessage[] => test_.catcher.messages().filter(({ to }) => to === address);
  const remindersTo = (address: string) => messagesTo(address).filter(({ text }) => text.includes('/reminders/'));

  async function screening(startsAt = EVENING): Promise<{ id: string; version: number }> {
    const payload = { title: 'Metropolis', room: 'Large hall', startsAt };
    const answer = await test_.request({ method: 'POST', url: '/api/screenings', headers: ADMIN, payload });
    return answer.json();
  }

  async function move({ id, version }: { id: string; version: number }, startsAt: string) {
    const payload = { title: 'Metropolis', room: 'Large hall', startsAt, version };
    const answer = await test_.request({ method: 'PUT', url: `/api/screenings/${id}`, headers: ADMIN, payload });
    return answer.json<{ id: string; version: number }>();
  }

  async function person(channel: 'email' | 'sms' = 'email'): Promise<{ id: string; address: string }> {
    people += 1;
    const address = channel === 'email' ? `reader-${people}@example.org` : `+4930901${900 + people}`;
    const { id } = (await post('/api/contacts', { channel, address })).json<{ id: string }>();
    const message = await eventually(() => messagesTo(address)[0], `a code for ${address}`);
    await post(`/api/contacts/${id}/verify`, { code: /\d{6}/.exec(message.text)![0] });
    return { id, address };
  }

  /** What the schedule does each minute; resolves when all that it accepted has ended. */
  async function tick(at: string): Promise<number> {
    const { id } = await test_.tasks.accept(acceptReminders, { at });
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    const unfinished = await test_.tasks.list({ name: 'reminders.send' });
    for (const task of unfinished.items) await untilFinished(test_.tasks, task.id);
    return ((await test_.tasks.get(id))?.result as { accepted: number }).accepted;
  }

  test.each(['email', 'sms'] as const)('%s: sent once, on the day, and ended by its link', async (channel) => {
    const { id } = await screening();
    const reader = await person(channel);
    const url = `/api/screenings/${id}/reminders`;
    const first = await post(url, { contactId: reader.id });
    expect([first.statusCode, first.json()]).toMatchObject([201, { screeningId: id, remindAt: NINE }]);
    expect((await post(url, { contactId: reader.id })).statusCode).toBe(200);

    expect(await tick('2099-07-14T06:59:00.000Z')).toBe(0);
    expect(await tick(NINE)).toBe(1);
    expect(await tick(NINE)).toBe(0);
    expect(await tick('2099-07-14T18:29:00.000Z')).toBe(0);
    const [message, ...more] = remindersTo(reader.address);
    expect(more).toEqual([]);
    expect(message).toMatchObject({ channel });
    // A curly quote would make a text message twice as dear.
    expect(message!.text).toContain(channel === 'sms' ? '"Metropolis"' : '“Metropolis”');
    expect(message!.text).toContain('Tuesday 14 July, 20:30');

    const link = /http:\/\/library\.test(\/reminders\/[0-9a-f-]{36})/.exec(message!.text)![1]!;
    expect((await test_.request({ method: 'GET', url: link })).body).toContain('Do not remind me');
    expect((await test_.request({ method: 'POST', url: link })).body).toContain('not reminded any more');
    expect((await test_.database.query('select from app.reminder where screening_id = $1', [id])).rowCount).toBe(0);
    expect((await test_.request({ method: 'GET', url: link })).statusCode).toBe(200);
  });

  test('many at the same tick, and two ticks at once: each person once, one after the other', async () => {
    const { id } = await screening();
    const readers = await Promise.all([person(), person(), person('sms'), person()]);
    for (const { id: contactId } of readers) await post(`/api/screenings/${id}/reminders`, { contactId });
    const accepted = await Promise.all([tick(NINE), tick(NINE), tick(NINE)]);
    expect(accepted.reduce((sum, count) => sum + count)).toBe(4);
    for (const { address } of readers) expect(remindersTo(address)).toHaveLength(1);
    const status = await test_.tasks.status();
    expect(status.queues.find(({ name }) => name === 'reminders')).toMatchObject({ maxRunning: 1 });
  });

  test('the same address by two contacts is reminded once', async () => {
    const { id } = await screening();
    const { id: first, address } = await person();
    const { id: second } = (await post('/api/contacts', { channel: 'email', address })).json<{ id: string }>();
    const code = await eventually(() => messagesTo(address)[1], 'the second code').then(() => messagesTo(address)[0]!);
    await post(`/api/contacts/${second}/verify`, { code: /\d{6}/.exec(code.text)![0] });
    const url = `/api/screenings/${id}/reminders`;
    expect((await post(url, { contactId: first })).statusCode).toBe(201);
    expect((await post(url, { contactId: second })).statusCode).toBe(200);
    await tick(NINE);
    expect(remindersTo(address)).toHaveLength(1);
  });

  test('a screening that is moved takes its reminders along, also those that were sent', async () => {
    const before = await screening();
    const reader = await person();
    await post(`/api/screenings/${before.id}/reminders`, { contactId: reader.id });
    await tick(NINE);
    await move(before, '2099-07-15T18:30:00.000Z');
    await tick(NINE);
    expect(remindersTo(reader.address)).toHaveLength(1);
    await tick(NEXT_NINE);
    expect(remindersTo(reader.address)).toHaveLength(2);
    expect(remindersTo(reader.address)[0]!.text).toContain('Wednesday 15 July');
  });

  test('moved or deleted before its task runs, nothing is sent', async () => {
    await test_.tasks.pauseQueue('reminders');
    const moved = await screening();
    const deleted = await screening();
    const [one, two] = [await person(), await person()];
    await post(`/api/screenings/${moved.id}/reminders`, { contactId: one.id });
    await post(`/api/screenings/${deleted.id}/reminders`, { contactId: two.id });
    const { id } = await test_.tasks.accept(acceptReminders, { at: NINE });
    await untilFinished(test_.tasks, id);
    const back = await move(moved, '2099-07-15T18:30:00.000Z');
    await test_.request({ method: 'DELETE', url: `/api/screenings/${deleted.id}`, headers: ADMIN });
    await test_.tasks.resumeQueue('reminders');
    const { items } = await test_.tasks.list({ name: 'reminders.send', limit: 2 });
    for (const task of items) expect(await untilFinished(test_.tasks, task.id)).toBe('cancelled');
    const ends = await Promise.all(items.map(async (task) => (await test_.tasks.get(task.id))?.error));
    expect(ends.sort()).toEqual([
      'Discard: the reminder or its screening was deleted',
      'Discard: the screening has moved to 2099-07-15',
    ]);
    expect(remindersTo(one.address)).toEqual([]);
    await move(back, EVENING);
    await tick(NINE);
    expect(remindersTo(one.address)).toHaveLength(1);
    expect(remindersTo(two.address)).toEqual([]);
  });

  test.each([
    ['2099-07-14T06:00:00.000Z', '2099-07-14T05:00:00.000Z'],
    ['2099-07-14T22:30:00.000Z', '2099-07-14T21:30:00.000Z'],
    ['2099-12-01T18:30:00.000Z', '2099-12-01T08:00:00.000Z'],
  ])('a screening at %s is told of at %s', async (startsAt, remindAt) => {
    const { id } = await screening(startsAt);
    const { id: contactId } = await person();
    expect((await post(`/api/screenings/${id}/reminders`, { contactId })).json()).toMatchObject({ remindAt });
  });

  test('who has proved nothing, and what has begun or is not there, is refused', async () => {
    const { id } = await screening();
    const { id: unproved } = (await post('/api/contacts', { channel: 'email', address: 'un@example.org' })).json<{
      id: string;
    }>();
    const url = `/api/screenings/${id}/reminders`;
    expectProblem(await post(url, { contactId: unproved }), 409, /^The contact is not verified; send its code/);
    expectProblem(await post(url, { contactId: UNKNOWN }), 404, /^There is no such contact/);
    expectProblem(
      await post(`/api/screenings/${UNKNOWN}/reminders`, { contactId: unproved }),
      404,
      /no such screening/,
    );
    const past = await screening();
    await test_.database.query(`update app.screening set starts_at = '2020-01-01T18:00:00Z' where id = $1`, [past.id]);
    expectProblem(await post(`/api/screenings/${past.id}/reminders`, { contactId: unproved }), 409, /has begun/);
  });

  test('begun when its task runs and then postponed on the same day, it is told of the new time', async () => {
    const evening = await screening();
    const reader = await person();
    await post(`/api/screenings/${evening.id}/reminders`, { contactId: reader.id });
    await test_.tasks.pauseQueue('reminders');
    const { id } = await test_.tasks.accept(acceptReminders, { at: NINE });
    await untilFinished(test_.tasks, id);
    // The day stays the one that the task was accepted for, and passes.
    const [today] = (
      await test_.database.query<{ day: string }>(`
        select ((now() - interval '1 minute') at time zone 'Europe/Berlin')::date::text as day`)
    ).rows;
    const to = (startsAt: string) =>
      test_.database.query(`update app.screening set starts_at = ${startsAt} where id = $1`, [evening.id]);
    await to(`now() - interval '1 minute'`);
    await test_.database.query('update app.reminder set accepted_for = $2 where screening_id = $1', [
      evening.id,
      today!.day,
    ]);
    const reminder = await test_.database.query<{ id: string }>('select id from app.reminder where screening_id = $1', [
      evening.id,
    ]);
    const late = await test_.tasks.accept(sendReminder, { reminderId: reminder.rows[0]!.id, day: today!.day });
    await test_.tasks.resumeQueue('reminders');
    expect(await untilFinished(test_.tasks, late.id)).toBe('cancelled');
    expect((await test_.tasks.get(late.id))?.error).toBe('Discard: the screening has begun');
    expect(remindersTo(reader.address)).toEqual([]);
    const due = await test_.database.query(
      'select from app.reminder where screening_id = $1 and accepted_for is null',
      [evening.id],
    );
    expect(due.rowCount).toBe(1);
    await to(`'${EVENING}'`);
    await tick(NINE);
    expect(remindersTo(reader.address)).toHaveLength(1);
  });

  test('a reminder that is just being added keeps its contact', async () => {
    const { id } = await screening();
    const reader = await person();
    await test_.database.query(`update app.contact set created_at = now() - interval '25 hours' where id = $1`, [
      reader.id,
    ]);
    const adding = await test_.database.connect();
    const forgetting = await test_.database.connect();
    try {
      await adding.query('begin');
      await insertReminder(adding, id, { ...reader, channel: 'email', verified: true });
      await forgetting.query('begin');
      await forgetContacts(forgetting);
      await adding.query('commit');
      await forgetting.query('commit');
      expect((await test_.database.query('select from app.reminder where screening_id = $1', [id])).rowCount).toBe(1);

      await test_.database.query('delete from app.reminder where screening_id = $1', [id]);
      await forgetting.query('begin');
      await forgetContacts(forgetting);
      const added = insertReminder(adding, id, { ...reader, channel: 'email', verified: true });
      await forgetting.query('commit');
      expect(await added).toBeUndefined();
    } finally {
      await Promise.all([adding, forgetting].map((client) => client.query('rollback')));
      adding.release();
      forgetting.release();
    }
  });

  test('what nothing needs is forgotten', async () => {
    const { id } = await screening();
    const [needed, unneeded] = [await person(), await person()];
    await post(`/api/screenings/${id}/reminders`, { contactId: needed.id });
    const ids = [needed.id, unneeded.id];
    await test_.database.query(`update app.contact set created_at = now() - interval '25 hours' where id = any ($1)`, [
      ids,
    ]);
    await tick('2098-01-01T00:00:00.000Z');
    const left = await test_.database.query<{ id: string }>('select id from app.contact where id = any ($1)', [ids]);
    expect(left.rows).toEqual([{ id: needed.id }]);
  });
});
