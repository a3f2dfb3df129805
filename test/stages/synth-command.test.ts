import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');
/** Whatever the context in cdk.json names. */
const ROOT_FILE = ['-c', 'config=holdfast.config.ts'];
const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** The environment of a machine without AWS credentials or a region. */
function withoutAws(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    NO_COLOR: '1',
  };
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CDK's command line on a machine that has never heard of AWS; an error is an answer too. */
async function cdkCommand(...words: string[]): Promise<Answer> {
  const options = { cwd: root, env: withoutAws(), maxBuffer: 64 * 1024 * 1024 };
  return run(process.execPath, [cdk, ...words, '--no-notices'], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Answer,
  );
}

describe('npx cdk, without AWS credentials', () => {
  const output = mkdtempSync(join(tmpdir(), 'holdfast-cdk-'));
  afterAll(() => rmSync(output, { recursive: true, force: true }));

  test.each(['dev', 'production'])('synth writes the stacks of %s without a warning', async (stage) => {
    const folder = join(output, stage);
    const { code, stderr } = await cdkCommand(
      ...['synth', ...ROOT_FILE, '-c', `stage=${stage}`, '--quiet', '--output', folder],
    );

    expect({ code, warnings: stderr.split('\n').filter((line) => /warning|error/i.test(line)) }).toEqual({
      code: 0,
      warnings: [],
    });
    expect(stderr).toMatch(new RegExp(`holdfast ${stage} costs about \\d+\\.\\d\\d USD per month`));
    expect(templates(folder)).toHaveLength(2);
  });

  test('synth tells the cost beside a warning, and how to accept it', async () => {
    const folder = mkdtempSync(join(root, '.holdfast-synth-'));
    try {
      const file = join(folder, 'holdfast.config.ts');
      writeFileSync(
        file,
        "import reference from '../holdfast.config';\nexport default { ...reference, acknowledge: {} };\n",
      );
      const { code, stderr } = await cdkCommand(
        ...['synth', '-c', 'stage=dev', '-c', `config=${file}`, '--quiet', '--output', join(output, 'warning')],
      );
      expect(code).toBe(0);
      expect(stderr).toContain("To accept it, write acknowledge: { 'holdfast:alarms-reach-nobody': 'why' }.");
      expect(stderr).toMatch(/holdfast dev costs about \d+\.\d\d USD per month/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('diff finds nothing between two synths of unchanged input', async () => {
    for (const stack of ['Stateful', 'Stateless']) {
      const before = templates(join(output, 'production')).find((file) => file.startsWith(`production${stack}`)) ?? '';
      const { code, stdout, stderr } = await cdkCommand(
        ...['diff', `production/${stack}`, '--exclusively', '-c', 'stage=production', '--fail'],
        ...['--template', join(output, 'production', before), '--output', join(output, 'again')],
      );
      expect({ code, answer: `${stdout}${stderr}` }).toEqual({
        code: 0,
        answer: expect.stringContaining('There were no differences') as string,
      });
    }
  });

  test('synth names the stages when there is no such stage', async () => {
    const { code, stderr } = await cdkCommand(
      ...['synth', ...ROOT_FILE, '-c', 'stage=prod', '--output', join(output, 'none')],
    );

    expect(code).toBe(1);
    expect(stderr).toContain(
      'The stage is "prod"; allowed is dev or production: pass -c stage=production, or add it to stages.',
    );
    expect(stderr).not.toMatch(/ at .*\.ts:\d+/);
  });
});

function templates(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.template.json'));
}
