import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '..', '..');
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

async function synth(...words: string[]): Promise<Answer & { readonly files: string[] }> {
  const output = mkdtempSync(join(tmpdir(), 'holdfast-cdk-'));
  try {
    const answer = await run(process.execPath, [cdk, 'synth', '--all', '--output', output, '--no-notices', ...words], {
      cwd: root,
      env: withoutAws(),
      maxBuffer: 64 * 1024 * 1024,
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: unknown) => error as Answer,
    );
    return { ...answer, files: existsSync(output) ? readdirSync(output) : [] };
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

describe('npx cdk synth --all, without AWS credentials', () => {
  test.each(['dev', 'production'])('writes the stacks of %s without a warning', async (stage) => {
    const { code, stderr, files } = await synth('-c', `stage=${stage}`, '--quiet');

    expect({ code, warnings: stderr.split('\n').filter((line) => /warning|error/i.test(line)) }).toEqual({
      code: 0,
      warnings: [],
    });
    expect(stderr).toMatch(new RegExp(`holdfast ${stage} costs about \\d+\\.\\d\\d USD per month`));
    expect(files.filter((file) => file.endsWith('.template.json'))).toHaveLength(2);
  });

  test('names the stages when there is no such stage', async () => {
    const { code, stderr } = await synth('-c', 'stage=prod');

    expect(code).toBe(1);
    expect(stderr).toContain(
      'The stage is "prod"; allowed is dev or production: pass -c stage=dev, or add it to stages.',
    );
    expect(stderr).not.toMatch(/ at .*\.ts:\d+/);
  });
});
