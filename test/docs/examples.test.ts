import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import celery from '../../examples/celery/holdfast.config';
import plainImages from '../../examples/plain-images/holdfast.config';
import type { Configuration } from '../../lib/config';
import { DeploymentStage } from '../../lib/deployment-stage';

interface Container {
  readonly Name: string;
  readonly Environment?: readonly { readonly Name: string }[];
  readonly Secrets?: readonly { readonly Name: string }[];
}

interface Synthesized {
  readonly warnings: readonly string[];
  readonly names: ReadonlySet<string>;
}

/** What a person sees who synthesises this configuration, and the variables that its containers get. */
function synthesize(configuration: Configuration, stage: string): Synthesized {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-example-'));
  try {
    const app = new App({ outdir });
    new DeploymentStage(app, stage, { configuration });
    const assembly = app.synth();
    const definitions = assembly.stacks.flatMap(({ template }) =>
      Object.values((template as { Resources: Record<string, { Type: string; Properties: unknown }> }).Resources)
        .filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition')
        .flatMap(({ Properties }) => (Properties as { ContainerDefinitions: Container[] }).ContainerDefinitions)
        // The deployment's own container beside the scheduler.
        .filter(({ Name }) => Name !== 'celery-metrics'),
    );
    return {
      warnings: assembly.stacks
        .flatMap(({ messages }) => messages)
        .filter(({ level }) => !/^info$/.test(level))
        .map(({ id, entry }) => `${id}: ${JSON.stringify(entry.data)}`),
      names: new Set(
        definitions.flatMap(({ Environment = [], Secrets = [] }) =>
          [...Environment, ...Secrets].map(({ Name }) => Name),
        ),
      ),
    };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const EXAMPLES = [
  ['plain-images', plainImages],
  ['celery', celery],
] as const;

describe.each(EXAMPLES)('examples/%s', (_name, configuration) => {
  test.each(Object.keys(configuration.stages))('%s synthesises without an unacknowledged warning', (stage) => {
    expect(synthesize(configuration, stage).warnings).toEqual([]);
  });
});

test('docs/bring-your-own-app.md lists every variable that a container gets', () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'bring-your-own-app.md'), 'utf8');
  const withMail = { ...celery, mail: { from: 'post@example.org' } };
  const own = ['REMAP_SIGTERM'];
  const names = [...synthesize(withMail, 'dev').names].filter((name) => !own.includes(name));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
