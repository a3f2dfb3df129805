import { Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import reference from '../../holdfast.config';
import { STAGES, synthesize } from './synthesize';
import { VARIANTS } from './variants';

/** What one `acknowledge` leaves at its construct: rule ids with their reasons. */
type Acknowledged = Readonly<Record<string, unknown>>;

const SUBJECTS = [
  ...STAGES.map((stage) => ({ name: stage, stage, configuration: reference })),
  ...Object.entries(VARIANTS).map(([name, configuration]) => ({ name, stage: 'production', configuration })),
];

describe.each(SUBJECTS)('cdk-nag, AwsSolutions, over $name', ({ stage, configuration }) => {
  const { app } = synthesize(stage, configuration);

  test('finds nothing that is not acknowledged', () => {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    const found = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath ?? 'unknown'}`),
    );
    expect(found).toEqual([]);
  });

  test('is silenced at single resources only, with a reason each', () => {
    const acknowledged = app.node
      .findAll()
      .flatMap((construct) =>
        construct.node.metadata
          .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
          .map(({ data }) => ({ construct, rules: data as Acknowledged })),
      )
      .filter(({ rules }) => Object.keys(rules).some((id) => id.includes('AwsSolutions')));

    expect(acknowledged.length).toBeGreaterThan(0);
    for (const { construct, rules } of acknowledged) {
      expect(Stack.isStack(construct) || construct.node.scope === undefined).toBe(false);
      expect(JSON.stringify(rules).length).toBeGreaterThan(60);
    }
  });
});
