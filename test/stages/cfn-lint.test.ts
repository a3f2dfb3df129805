import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STAGES, synthesize } from './synthesize';

const program = join(__dirname, '..', '..', '.holdfast-tools', 'venv', 'bin', 'cfn-lint');
const onlyWithCfnLint = existsSync(program) ? describe : describe.skip;
if (!existsSync(program))
  console.warn('cfn-lint is not installed, its tests are skipped: scripts/python-tools.sh installs it.');

onlyWithCfnLint('cfn-lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-templates-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What cfn-lint says about a template, empty when it is content. */
  function lint(name: string, template: unknown): string {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(template));
    try {
      return execFileSync(program, ['--format', 'parseable', '--regions', 'us-east-1', 'ap-northeast-2', '--', file], {
        encoding: 'utf8',
      });
    } catch (error) {
      return String((error as { stdout?: string }).stdout);
    }
  }

  test.each(STAGES)('finds neither error nor warning in %s', (stage) => {
    const { json } = synthesize(stage);
    expect(lint(`${stage}-stateful`, json.stateful)).toBe('');
    expect(lint(`${stage}-stateless`, json.stateless)).toBe('');
  });

  test('finds a mistake that was put in', () => {
    const { json } = synthesize('dev');
    const [id] = Object.entries(json.stateful.Resources).find(([, { Type }]) => Type === 'AWS::RDS::DBInstance') ?? [
      '',
    ];
    const broken = structuredClone(json.stateful) as {
      Resources: Record<string, { Properties: Record<string, unknown> }>;
    };
    broken.Resources[id]!.Properties.Engine = 'no-such-engine';
    expect(lint('broken', broken)).toContain('no-such-engine');
  });
});
