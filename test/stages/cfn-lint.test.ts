import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STAGES, resourcesOf, synthesize } from './synthesize';
import { VARIANTS } from './variants';

const program = join(__dirname, '..', '..', '.holdfast-tools', 'venv', 'bin', 'cfn-lint');
const onlyWithCfnLint = existsSync(program) ? describe : describe.skip;
if (!existsSync(program))
  console.warn('cfn-lint is not installed, its tests are skipped: scripts/python-tools.sh installs it.');

onlyWithCfnLint('cfn-lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-templates-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What cfn-lint says about templates, empty when it is content. */
  function lint(templates: Readonly<Record<string, unknown>>): string {
    const files = Object.entries(templates).map(([name, template]) => {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(template));
      return file;
    });
    const words = ['--format', 'parseable', '--regions', 'us-east-1', 'ap-northeast-2', '--', ...files];
    const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
    return status === 0 ? stdout : `exit code ${status ?? 'none'}: ${stdout}${stderr}`;
  }

  test('finds neither error nor warning in any stage, nor in what the reference does not use', () => {
    const stages = STAGES.map((stage) => [stage, synthesize(stage)] as const);
    const variants = Object.entries(VARIANTS).map(
      ([name, configuration]) => [name, synthesize('production', configuration)] as const,
    );
    const templates = [...stages, ...variants].flatMap(([name, { json }]) => [
      [`${name}-stateful`, json.stateful] as const,
      [`${name}-stateless`, json.stateless] as const,
    ]);
    expect(lint(Object.fromEntries(templates))).toBe('');
  });

  test('finds a mistake that was put in', () => {
    const { json } = synthesize('dev');
    const [database] = resourcesOf(json.stateful, 'AWS::RDS::DBInstance');
    const broken = structuredClone(json.stateful) as {
      Resources: Record<string, { Properties: Record<string, unknown> }>;
    };
    broken.Resources[database![0]]!.Properties.Engine = 'no-such-engine';
    expect(lint({ broken })).toContain('no-such-engine');
  });
});
