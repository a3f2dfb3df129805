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

test('an error in customize is told with its stage, and kept as the cause', () => {
  const cause = new Error('no such construct');
  const customize = () => {
    throw cause;
  };
  const expected = expect.objectContaining({ message: 'customize threw an error for the stage dev:', cause }) as Error;
  expect(() => synthesize('dev', undefined, customize)).toThrow(expected);
});
