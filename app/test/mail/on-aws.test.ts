import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { openMailer } from '../../src/mail/open-mailer';
import { openSmsSender } from '../../src/sms/open-sms-sender';
import { NonRetryable, NotSent } from '../../src/tasks';
import { freePort } from '../../local/servers/free-port';
import { emulatedAwsMissing, startEmulatedAws } from '../servers/emulated-aws';
import type { EmulatedAws } from '../servers/emulated-aws';

/** In CI a skipped test is a failure. */
const describeOnAws = emulatedAwsMissing === undefined ? describe : describe.skip;
const { signal } = new AbortController();
const mail = { to: 'reader@example.org', subject: 'Grüße', text: 'Zwei: <b>', key: 'k' };

async function failure(sending: Promise<unknown>): Promise<unknown> {
  return await sending.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describeOnAws(`mail and SMS on AWS${emulatedAwsMissing === undefined ? '' : ` (${emulatedAwsMissing})`}`, () => {
  const environmentBefore = { ...process.env };
  let aws: EmulatedAws;
  const mailer = () => openMailer({ kind: 'ses', region: 'us-east-1' }, 'Library <post@example.org>');
  const sms = () => openSmsSender({ kind: 'sns', region: 'us-east-1' }, 'unused');
  beforeAll(async () => {
    aws = await startEmulatedAws();
    // The SDK reads its endpoint and credentials from here, as it does in a container.
    Object.assign(process.env, aws.environment);
    await new SESv2Client().send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.org' }));
  });
  afterAll(async () => {
    process.env = environmentBefore;
    await aws.stop();
  });

  test('mail goes through SES, which names it', async () => {
    expect(await mailer().send(mail, { signal })).not.toBe('');
    expect(await mailer().send({ ...mail, unsubscribeUrl: 'https://library.test/r/1' }, { signal })).not.toBe('');
  });

  test('text messages go through SNS, which names them', async () => {
    expect(await sms().send({ to: '+4930123456', text: 'Code', key: 'k' }, { signal })).not.toBe('');
  });
});

describe('mail and SMS on an AWS that', () => {
  const environmentBefore = { ...process.env };
  afterEach(() => {
    process.env = { ...environmentBefore };
  });
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

  /** An endpoint that answers each request in the same way, and counts them. */
  async function answering(status: number, headers: Record<string, string>, body: string) {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url ?? '');
      request.resume().on('end', () => response.writeHead(status, headers).end(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    Object.assign(process.env, { ...credentials, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    return { seen, close: () => server.close() };
  }

  test.each([
    ['refuses the mail', 400, 'MessageRejected', 'never'],
    ['is asked too often', 429, 'TooManyRequestsException', 'not yet'],
    ['fails', 500, 'InternalFailure', 'unknown'],
  ])('%s: asked once, and what it means is known', async (_what, status, type, sent) => {
    const endpoint = await answering(status, { 'x-amzn-errortype': type, 'content-type': 'application/json' }, '{}');
    const mailer = openMailer({ kind: 'ses', region: 'us-east-1' }, 'post@example.org');
    const error = await failure(mailer.send(mail, { signal }));
    endpoint.close();
    expect(endpoint.seen).toHaveLength(1);
    expect(error instanceof NotSent).toBe(sent !== 'unknown');
    expect((error as Error).cause instanceof NonRetryable).toBe(sent === 'never');
  });

  test.each([
    ['refuses the number', 400, 'InvalidParameter', 'never'],
    ['is asked too often', 400, 'Throttling', 'not yet'],
    ['fails', 503, 'ServiceUnavailable', 'unknown'],
  ])('%s: SNS is asked once, and what it means is known', async (_what, status, code, sent) => {
    const xml = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>m</Message></Error></ErrorResponse>`;
    const endpoint = await answering(status, { 'content-type': 'text/xml' }, xml);
    const sms = openSmsSender({ kind: 'sns', region: 'us-east-1' }, '');
    const error = await failure(sms.send({ to: '+4930123456', text: 'Code', key: 'k' }, { signal }));
    endpoint.close();
    expect(endpoint.seen).toHaveLength(1);
    expect(error instanceof NotSent).toBe(sent !== 'unknown');
    expect((error as Error).cause instanceof NonRetryable).toBe(sent === 'never');
  });

  test.each([
    [
      'ses',
      '{"message":"Email address is not verified. The following identities failed the check: reader@example.org"}',
      'application/json',
    ],
    [
      'sns',
      '<ErrorResponse><Error><Code>InvalidParameter</Code><Message>PhoneNumber +4930123456 is not valid</Message></Error></ErrorResponse>',
      'text/xml',
    ],
  ])('repeats the address in its answer to %s: the error does not', async (service, body, type) => {
    const headers = { 'x-amzn-errortype': 'MessageRejected', 'content-type': type };
    const endpoint = await answering(400, headers, body);
    const sending =
      service === 'ses'
        ? openMailer({ kind: 'ses', region: 'us-east-1' }, 'post@example.org').send(mail, { signal })
        : openSmsSender({ kind: 'sns', region: 'us-east-1' }, '').send(
            { to: '+4930123456', text: 'Code', key: 'k' },
            { signal },
          );
    const error = await failure(sending);
    endpoint.close();
    expect(error).toBeInstanceOf(NotSent);
    expect((error as Error).message).toMatch(/not (verified|valid)/);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/reader|4930123456/);
  });

  test.each(['ses', 'sns'])('hands out no credentials for %s has sent nothing, and may yet', async (service) => {
    const endpoint = await answering(500, {}, '');
    for (const name of Object.keys(credentials)) Reflect.deleteProperty(process.env, name);
    // Where a container asks for them.
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${process.env['AWS_ENDPOINT_URL']}/credentials`;
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    const sending =
      service === 'ses'
        ? openMailer({ kind: 'ses', region: 'us-east-1' }, 'post@example.org').send(mail, { signal })
        : openSmsSender({ kind: 'sns', region: 'us-east-1' }, '').send(
            { to: '+4930123456', text: 'Code', key: 'k' },
            { signal },
          );
    const error = await failure(sending);
    endpoint.close();
    expect(new Set(endpoint.seen)).toEqual(new Set(['/credentials']));
    expect(error).toBeInstanceOf(NotSent);
    expect((error as Error).cause).not.toBeInstanceOf(NonRetryable);
  });

  test('is not there has sent nothing', async () => {
    Object.assign(process.env, { ...credentials, AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` });
    const mailer = openMailer({ kind: 'ses', region: 'us-east-1' }, 'post@example.org');
    expect(await failure(mailer.send(mail, { signal }))).toBeInstanceOf(NotSent);
  });
});
