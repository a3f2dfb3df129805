import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMANDS } from '../../lib/operations/commands';
import { EXIT } from '../../lib/operations/exit-codes';
import { readCommandLine } from '../../lib/operations/program';
import { holdfast, ROOT, startHoldfast, tooLong } from './support/holdfast';
import type { Ended } from './support/holdfast';

const CONFIG = join(ROOT, 'test', 'operations', 'shop', 'holdfast.config.ts');
const STAGE = ['--config', CONFIG, '--stage', 'test'];
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

function expectSentence({ exitCode, output, errors }: Ended, code: number, words: string | RegExp): void {
  expect({ exitCode, output }).toEqual({ exitCode: code, output: '' });
  expect(errors).toMatch(words);
  expect(errors).toMatch(/^[^\n]+\n$/);
}

// Nothing of these tests may reach an account.
const NOWHERE = 'http://127.0.0.1:9';
Object.assign(process.env, { AWS_ENDPOINT_URL: NOWHERE });

describe('help', () => {
  it('lists every command and every exit code in 80 columns', async () => {
    const { exitCode, output } = await startHoldfast(['--help']).ended;
    expect(exitCode).toBe(0);
    for (const { name } of COMMANDS) expect(output).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    for (const code of Object.values(EXIT)) expect(output).toMatch(new RegExp(`\\b${code} `));
    expect(tooLong(output)).toEqual([]);
  });

  it.each(COMMANDS.map(({ name }) => name))('of %s fits 80 columns and shows examples', async (name) => {
    const { exitCode, output } = await holdfast([name, '--help']);
    expect(exitCode).toBe(0);
    expect(output).toContain(`  npx holdfast ${name}`);
    expect(tooLong(output)).toEqual([]);
  });

  it.each(COMMANDS.flatMap(({ examples }) => examples))('gives an example that can be read: %s', (example) => {
    const [line = ''] = example.split(' < ');
    const words = line.match(/'[^']*'|\S+/g) ?? [];
    expect(readCommandLine(words, () => undefined)?.command.name).toBe(words[0]);
  });
});

describe('wrong use', () => {
  it.each([
    [[], /^No command is named; allowed are status, /],
    [['staus'], /write status\.$/m],
    [['status', '--stge', 'dev'], /^holdfast status has the unknown option "--stge".*write --stage\.$/m],
    [['task'], /^holdfast task lacks ID/],
    [['task', 'nonsense'], /^The task is "nonsense"/],
    [['drill', 'fire'], /^The drill is "fire"; allowed are queue-loss, instance, failover/],
    [['drill', 'instance', '--probes', '5'], /^--probes is "5"; allowed is a whole number from 10 to 9000/],
    [['drill', 'instance', '--database'], /^--database is given with instance/],
    [['rollback', '--to', '4'], /^--to stands alone/],
    [['rollback', 'web', '--to', 'x'], /^--to is "x"; allowed is the number of a revision/],
    [['run'], /^holdfast run lacks COMMAND/],
    [['connect', 'mysql'], /^The server is "mysql"; allowed is db or redis/],
    [['connect', 'db', '--port', '99999'], /^--port is "99999"/],
    [['backup', '--stage', 'local'], /^backup does nothing with --stage local/],
    [['run', '--stage', 'local', '--', 'ls'], /^run does nothing with --stage local/],
  ])('%j is told in a sentence', async (words, sentence) => {
    expectSentence(await holdfast([...words]), EXIT.usage, sentence);
  });

  it('names the stages that there are', async () => {
    const told = await startHoldfast(['status', '--config', CONFIG, '--stage', 'tst']).ended;
    expectSentence(told, EXIT.missing, /^--stage is "tst"; allowed is test or closed or local: write --stage test/);
  });

  it('says that there is no configuration file', async () => {
    expectSentence(await holdfast(['status', '--config', 'none.ts']), EXIT.usage, /none\.ts/);
  });

  it('takes the configuration file of the context in cdk.json, as npx cdk does, unless one is named', async () => {
    const root = mkdtempSync(join(tmpdir(), 'holdfast-root-'));
    try {
      writeFileSync(join(root, 'cdk.json'), JSON.stringify({ context: { stage: 'tst', config: 'of-cdk-json.ts' } }));
      expectSentence(await holdfast(['status'], { root }), EXIT.usage, /of-cdk-json\.ts/);
      expectSentence(await holdfast(['status', '--config', CONFIG], { root }), EXIT.missing, /^--stage is "tst"/);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('what AWS answers', () => {
  let server: Server;
  /** By the action that is asked for. */
  let answers: Readonly<Record<string, readonly [number, string]>> = {};
  const environment = { ...process.env };

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const action = String(request.headers['x-amz-target'] ?? /Action=(\w+)/.exec(body)?.[1] ?? '')
          .split('.')
          .at(-1);
        const [status, answer] = answers[action ?? ''] ?? [500, '{}'];
        response.writeHead(status, {
          'content-type': answer.startsWith('<') ? 'text/xml' : 'application/x-amz-json-1.1',
        });
        response.end(answer);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const name of ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) {
      Reflect.deleteProperty(process.env, name);
    }
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nowhere/config',
      AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
      // Without waits between the attempts.
      AWS_MAX_ATTEMPTS: '1',
    });
  });

  afterAll(async () => {
    process.env = environment;
    server.close();
    await once(server, 'close');
  });

  const identity =
    '<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
  const xmlError = (code: string, message: string): string =>
    `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;

  const stack = (status: string): string =>
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>shop-test-stateless</StackName><StackStatus>${status}</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;

  it('says that there are no credentials', async () => {
    expectSentence(await holdfast(['status', ...STAGE]), EXIT.credentials, /^There are no credentials for AWS/);
  });

  describe('with credentials', () => {
    beforeAll(() => {
      Object.assign(process.env, CREDENTIALS);
    });

    it('says that they have expired', async () => {
      answers = { GetCallerIdentity: [403, xmlError('ExpiredToken', 'The security token has expired')] };
      expectSentence(await holdfast(['queues', ...STAGE]), EXIT.credentials, /^The credentials for AWS have expired/);
    });

    it('ends doctor as the error does that kept it from the account', async () => {
      const endpoint = process.env['AWS_ENDPOINT_URL'];
      answers = { GetCallerIdentity: [403, xmlError('ExpiredToken', 'The security token has expired')] };
      expect(await holdfast(['doctor', ...STAGE])).toMatchObject({ exitCode: EXIT.credentials, errors: '' });
      process.env['AWS_ENDPOINT_URL'] = NOWHERE;
      const told = await holdfast(['doctor', ...STAGE]);
      process.env['AWS_ENDPOINT_URL'] = endpoint;
      expect(told).toMatchObject({ exitCode: EXIT.unavailable, errors: '' });
      expect(told.output).toContain('ECONNREFUSED');
    });

    it('says that the stage is not deployed', async () => {
      answers = {
        GetCallerIdentity: [200, identity],
        GetParametersByPath: [200, '{"Parameters":[]}'],
      };
      expectSentence(
        await holdfast(['queues', ...STAGE]),
        EXIT.missing,
        /^The stage test is not deployed: account 111122223333 has no stack shop-test-stateful in us-east-1; deploy it/,
      );
    });

    it('says what is not permitted', async () => {
      answers = {
        GetCallerIdentity: [200, identity],
        DescribeStacks: [200, stack('UPDATE_COMPLETE')],
        ListServices: [
          400,
          '{"__type":"AccessDeniedException","message":"not authorized to perform ecs:ListServices"}',
        ],
      };
      expectSentence(
        await holdfast(['rollback', ...STAGE]),
        EXIT.credentials,
        /^The credentials do not permit ECS ListServices in us-east-1/,
      );
    });

    it('says that a deploy is under way, which a rollback would disturb', async () => {
      answers = { GetCallerIdentity: [200, identity], DescribeStacks: [200, stack('UPDATE_IN_PROGRESS')] };
      expectSentence(
        await holdfast(['rollback', ...STAGE]),
        EXIT.usage,
        /^A deploy of shop-test-stateless is under way \(UPDATE_IN_PROGRESS\)/,
      );
    });

    it('says what failed in the middle', async () => {
      answers = {
        GetCallerIdentity: [200, identity],
        ListServices: [200, '{"serviceArns":["arn:aws:ecs:us-east-1:111122223333:service/shop-test/web"]}'],
        DescribeServices: [400, '{"__type":"InvalidParameterException","message":"Something is wrong."}'],
      };
      expectSentence(
        await holdfast(['run', ...STAGE, '--', 'true']),
        EXIT.unavailable,
        /^AWS answered ECS DescribeServices in us-east-1 with InvalidParameterException: Something is wrong\.$/m,
      );
    });
  });
});
