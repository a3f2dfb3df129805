import type { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import reference from '../../holdfast.config';
import { resourcesOf, synthesize } from './synthesize';

test('customize changes the finished stacks, as docs/configuration.md shows', () => {
  const stages: string[] = [];
  const { json } = synthesize('production', reference, ({ stateful, stateless }, stage) => {
    stages.push(stage);
    (stateful.database!.node.defaultChild as CfnDBInstance).deleteAutomatedBackups = false;
    stateless.fleet.onDemand.autoScalingGroup.node.addMetadata('seen', true);
  });
  expect(stages).toEqual(['production']);
  const [database] = resourcesOf(json.stateful, 'AWS::RDS::DBInstance');
  expect(database?.[1].Properties?.DeleteAutomatedBackups).toBe(false);
});
