import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import type { Configuration } from '../../lib/config';
import { synthesize } from './synthesize';

const FROM_FOLDER: Partial<Configuration> = { image: { directory: 'test/stateless/image' } };

interface Assets {
  readonly dockerImages: Readonly<Record<string, { readonly source: { readonly platform: string } }>>;
}

function platforms(overrides: Partial<Configuration>): string[] {
  const { app } = synthesize(overrides);
  const assets = JSON.parse(readFileSync(join(app.outdir, 'Stateless.assets.json'), 'utf8')) as Assets;
  return Object.values(assets.dockerImages).map(({ source }) => source.platform);
}

describe('an image from a folder', () => {
  test('is built once for all processes, for the architecture of the fleet', () => {
    expect(platforms(FROM_FOLDER)).toEqual(['linux/arm64']);
    expect(platforms({ ...FROM_FOLDER, fleet: { instanceType: 'm7i.large' } })).toEqual(['linux/amd64']);
  });

  test('is built anew for a process that has a folder or argument of its own', () => {
    const image = { directory: 'test/stateless/image', buildArguments: { FLAVOUR: 'scheduler' } };

    expect(platforms({ ...FROM_FOLDER, scheduler: { image } })).toHaveLength(2);
  });

  test('is not built where it comes from a registry', () => {
    expect(platforms({})).toEqual([]);
  });
});

describe('an image from a private repository of Amazon ECR', () => {
  const repository = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/library';
  const digest = `sha256:${'0a'.repeat(32)}`;
  const { resources, stack } = synthesize({
    image: { reference: `${repository}:1.2` },
    scheduler: { command: ['node', 'dist/scheduler.js'], image: { reference: `${repository}:1.2@${digest}` } },
  });
  const imageOf = (id: string): string => {
    const [, definition] =
      Object.entries(resources('AWS::ECS::TaskDefinition')).find(([key]) => key.startsWith(id)) ?? [];
    return JSON.stringify((definition?.Properties.ContainerDefinitions as { Image: unknown }[])[0]?.Image);
  };

  test('may be pulled by every task, from that repository and no other', () => {
    const policies = Object.entries(resources('AWS::IAM::Policy')).filter(([id]) => id.includes('ExecutionRole'));

    expect(policies).toHaveLength(4);
    for (const [, { Properties }] of policies) {
      const { Statement } = Properties.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] };
      const pull = Statement.find(({ Action }) => JSON.stringify(Action).includes('ecr:GetDownloadUrlForLayer'));
      expect(pull?.Resource).toEqual({
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ecr:eu-west-1:123456789012:repository/team/library']],
      });
      expect(JSON.stringify(Statement)).toContain('ecr:GetAuthorizationToken');
    }
  });

  test('is pulled by its digest, else by its tag', () => {
    expect(imageOf('Web')).toContain('/team/library:1.2"');
    expect(imageOf('Web')).toContain('123456789012.dkr.ecr.eu-west-1.');
    expect(imageOf('Scheduler')).toContain(`/team/library@${digest}"`);
  });

  test('leaves no warning', () => {
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.anyValue());

    expect(warnings.map(({ entry }) => JSON.stringify(entry.data))).toEqual([]);
  });

  test('is not what a public one is taken for', () => {
    const { resources: pulled } = synthesize();

    expect(JSON.stringify(pulled('AWS::ECS::TaskDefinition'))).toContain('"Image":"public.ecr.aws/example/library:1"');
    expect(JSON.stringify(pulled('AWS::IAM::Policy'))).not.toContain('ecr:');
  });
});
