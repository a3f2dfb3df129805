import type { OutboxMessage } from '../../src/outbox/outbox-message';
import { eventually, expectProblem, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('contacts', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  const post = (url: string, payload: object) => test_.request({ method: 'POST', url, payload });
  const add = async (channel: string, address: string): Promise<{ id: string; taskId: string }> => {
    const answer = await post('/api/contacts', { channel, address });
    expect(answer.statusCode).toBe(202);
    return answer.json();
  };
  const verify = (id: string, code: string) => post(`/api/contacts/${id}/verify`, { code });
  const messageTo = (address: string): Promise<OutboxMessage> =>
    eventually(() => test_.catcher.messages().find(({ to }) => to === address), `a message to ${address}`);
  const codeIn = ({ text }: OutboxMessage): string => /\d{6}/.exec(text)![0];
  const otherThan = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

  test.each([
    ['email', 'Ada@Example.ORG', 'ada@example.org'],
    ['sms', '+49 (0)30 901820', '+4930901820'],
  ])('%s: the code that is sent proves the address', async (channel, address, normal) => {
    const { id, taskId } = await add(channel, address);
    const message = await messageTo(normal);
    expect(message.channel).toBe(channel);
    expect(message.subject).not.toMatch(/\d/);
    const code = codeIn(message);
    const proved = await verify(id, ` ${code.slice(0, 3)} ${code.slice(3)} `);
    expect([proved.statusCode, proved.json()]).toEqual([200, { id, channel, verified: true }]);
    expect((await verify(id, '000000')).statusCode).toBe(200);
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');
    // The code stands nowhere: not in the task, not in a line of the log, not in the database.
    expect(JSON.stringify([await test_.tasks.get(taskId), test_.logLines])).not.toContain(code);
  });

  test('a wrong code says how many tries are left; after five the right one does not help', async () => {
    const { id } = await add('email', 'wrong@example.org');
    const code = codeIn(await messageTo('wrong@example.org'));
    for (const left of ['4 more tries are allowed', '3 more', '2 more', 'one more try is allowed', 'the last try']) {
      expectProblem(await verify(id, otherThan(code)), 400, new RegExp(`^body.code is wrong.*${left}`));
    }
    expectProblem(await verify(id, code), 400, 'body.code was tried 5 times, the most allowed; ask for a new code.');
  });

  test('of a hundred tries at once five count', async () => {
    const { id } = await add('email', 'many@example.org');
    const code = codeIn(await messageTo('many@example.org'));
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(id, otherThan(code))));
    const details = answers.map((answer) => answer.json<{ detail: string }>().detail);
    expect(details.filter((detail) => detail.includes('is wrong'))).toHaveLength(5);
    expect((await test_.database.query('select tries from app.contact where id = $1', [id])).rows[0]).toEqual({
      tries: 5,
    });
  });

  test('the right code sent several times at once is right each time', async () => {
    const { id } = await add('email', 'twice@example.org');
    const code = codeIn(await messageTo('twice@example.org'));
    const answers = await Promise.all(Array.from({ length: 5 }, () => verify(id, code)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 5 }, () => 200));
  });

  test('a code that is older than 15 minutes is told from a wrong one', async () => {
    const { id } = await add('email', 'old@example.org');
    const code = codeIn(await messageTo('old@example.org'));
    await test_.database.query(`update app.contact_code set expires_at = now() where contact_id = $1`, [id]);
    expectProblem(await verify(id, code), 400, 'body.code has expired; ask for a new code.');
  });

  test('an address is sent three codes an hour, however many ask at once and however it is written', async () => {
    const spellings = ['three@example.org', 'Three@EXAMPLE.org', ' thRee@example.org'];
    const answers = await Promise.all(
      Array.from({ length: 9 }, (_, i) => post('/api/contacts', { channel: 'email', address: spellings[i % 3] })),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([202, 202, 202, 429, 429, 429, 429, 429, 429]);
    const refused = answers.find(({ statusCode }) => statusCode === 429)!;
    expectProblem(
      refused,
      429,
      'This address was sent 3 codes within an hour, the most allowed; try again in 60 minutes.',
    );
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3500);
    await test_.database.query(
      `update app.contact set created_at = now() - interval '61 minutes' where address = 'three@example.org'`,
    );
    await add('email', 'three@example.org');
  });

  test('a contact that was given nothing to prove is unknown', async () => {
    expectProblem(await verify('01234567-89ab-4cde-8f01-23456789abcd', '123456'), 404, /There is no such contact/);
  });

  test.each([
    ['email', 'name@localhost'],
    ['email', 'a b@example.org'],
    ['email', 'name@example.org\r\nBcc: x@example.org'],
    ['email', `${'a'.repeat(65)}@example.org`],
    ['email', '+4930901820'],
    ['sms', '030 901820'],
    ['sms', '+49'],
    ['sms', '+4930901820;ext=1'],
    ['sms', 'name@example.org'],
  ])('%s: %j is no address', async (channel, address) => {
    expectProblem(await post('/api/contacts', { channel, address }), 400, /^body.address is .*; allowed is an? /);
  });
});
