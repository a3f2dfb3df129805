import { Contacts } from '../../src/contacts/contacts';
import { Messenger } from '../../src/contacts/messenger';
import { sendCodeHandler } from '../../src/contacts/send-code.handler';
import type { Mail } from '../../src/mail/mailer';
import { LIBRARY, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { drain } from '../../src/tasks/testing';

const A_MINUTE_MS = 60_000;

describe('sending a code', () => {
  let test_: TestApp;
  let contacts: Contacts;
  beforeAll(async () => {
    test_ = await startTestApp();
    contacts = new Contacts({ ...test_, contactChannels: ['email', 'sms'] });
  });
  afterAll(() => test_.close());

  const run = (messenger: Messenger) =>
    drain(test_.tasks, {
      handlers: [sendCodeHandler({ messenger, library: LIBRARY })],
      until: new Date(Date.now() + 10 * A_MINUTE_MS),
    });

  test('sent again because nobody knows of the first, both codes prove the address', async () => {
    const sent: Mail[] = [];
    const mailer = {
      send: (mail: Mail) => {
        sent.push(mail);
        return sent.length === 1 ? Promise.reject(new Error('the connection is lost')) : Promise.resolve('id');
      },
    };
    for (const which of [0, 1]) {
      sent.length = 0;
      const { id, taskId } = await contacts.add('email', 'twice@example.org');
      await run(new Messenger(mailer, undefined));
      expect((await test_.tasks.get(taskId))?.state).toBe('done');
      expect(sent).toHaveLength(2);
      expect(sent[0]!.key).not.toBe(sent[1]!.key);
      const codes = sent.map(({ text }) => /\d{6}/.exec(text)![0]);
      expect((await contacts.verify(id, codes[which]!)).verified).toBe(true);
    }
  });

  test('a way that the worker cannot send is dead with that reason, and can be retried', async () => {
    const { taskId } = await contacts.add('sms', '+4930901821');
    await run(new Messenger(undefined, undefined));
    expect(await test_.tasks.get(taskId)).toMatchObject({
      state: 'dead',
      error: expect.stringContaining('SMS_URL is not set') as unknown,
    });
  });

  test('a code that nobody waits for is not sent', async () => {
    const { id, taskId } = await contacts.add('email', 'late@example.org');
    await test_.database.query(`update app.contact set created_at = now() - interval '16 minutes' where id = $1`, [id]);
    await run(new Messenger(undefined, undefined));
    expect((await test_.tasks.get(taskId))?.state).toBe('cancelled');
  });
});
