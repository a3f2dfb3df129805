import { Aspects } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { App } from 'aws-cdk-lib';
import reference from '../../holdfast.config';
import { DeploymentStage } from '../../lib/deployment-stage';
import { STAGES } from './synthesize';

interface Suppression {
  readonly id: string;
  readonly reason: string;
}

describe.each(STAGES)('cdk-nag, AwsSolutions, over %s', (stage) => {
  const app = new App();
  const stacks = new DeploymentStage(app, stage, { configuration: reference });
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true }));
  app.synth();

  test.each(['stateful', 'stateless'] as const)('finds nothing in the %s stack', (name) => {
    const annotations = Annotations.fromStack(stacks[name]);
    const found = [
      ...annotations.findError('*', Match.stringLikeRegexp('AwsSolutions-.*')),
      ...annotations.findWarning('*', Match.stringLikeRegexp('AwsSolutions-.*')),
    ];
    expect(found.map(({ id, entry }) => `${id}: ${String(entry.data)}`)).toEqual([]);
  });

  test.each(['stateful', 'stateless'] as const)(
    'is not silenced for the whole %s stack, nor without a reason',
    (name) => {
      expect((stacks[name].templateOptions.metadata ?? {}).cdk_nag).toBeUndefined();
      const resources = stacks[name].node.findAll().flatMap((construct) => {
        const metadata = (construct as { cfnOptions?: { metadata?: Record<string, unknown> } }).cfnOptions?.metadata;
        return (metadata?.cdk_nag as { rules_to_suppress?: Suppression[] } | undefined)?.rules_to_suppress ?? [];
      });
      expect(resources.length).toBeGreaterThan(0);
      expect(resources.filter(({ reason }) => reason.length < 30)).toEqual([]);
    },
  );
});
