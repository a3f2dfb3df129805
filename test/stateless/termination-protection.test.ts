import { App } from 'aws-cdk-lib';
import type { Configuration } from '../../lib/config';
import { DeploymentStage } from '../../lib/deployment-stage';
import { APP } from './synthesize';

/** Few enough for the smallest database. */
const FEW: NonNullable<Configuration['workers']> = {
  default: { command: ['node', 'dist/worker.js'], queues: [{ name: 'default' }], scaling: { max: 1 } },
};

function protectedStacks(stage: string, database: Configuration['database'] = {}): (boolean | undefined)[] {
  const { stateful, stateless } = new DeploymentStage(new App(), stage, {
    configuration: { ...APP, workers: FEW, database },
  });
  return [stateful, stateless].map(({ terminationProtection }) => terminationProtection);
}

describe('termination protection', () => {
  test('keeps both stacks of a stage whose database is protected', () => {
    expect(protectedStacks('production')).toEqual([true, true]);
  });

  test('is off where the database may be deleted', () => {
    expect(protectedStacks('dev')).toEqual([false, false]);
    expect(protectedStacks('production', { deletionProtection: false })).toEqual([false, false]);
  });
});
