import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { synthesize } from './synthesize';

const SPOT = {
  fleet: { spot: { instanceTypes: ['t4g.medium', 'm6g.medium'], max: 3 } },
  workers: { default: { queues: [{ name: 'default' }], spot: true, onDrain: 'give-back' as const } },
};
const VARIANTS = {
  production: {},
  'production with mail and a folder as image': {
    mail: { from: 'Library <post@example.org>' },
    image: { directory: 'test/stateless/image' },
  },
  'production with a domain': {
    tls: { domain: { name: 'app.example.org', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.org' } },
  },
  'Spot workers': SPOT,
  awsvpc: { fleet: { networkMode: 'awsvpc' as const, instanceType: 'm7g.large' } },
  Celery: { taskEngine: 'celery' as const },
};

describe.each(Object.entries(VARIANTS))('%s', (_, overrides) => {
  const { app, stack } = synthesize(overrides);

  test('has no finding of cdk-nag AwsSolutions that is not explained beside its resource', () => {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);

    expect(
      violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath }) => `${ruleName}: ${constructPath}`),
      ),
    ).toEqual([]);
  });

  test("has no finding of CDK's own validation of templates", () => {
    const report = join(app.outdir, 'validation-report.json');

    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ pluginReports: [] });
  });

  test('has no warning that nobody acknowledged', () => {
    const warnings = Annotations.fromStack(stack).findWarning('*', Match.anyValue());

    expect(warnings.map(({ entry }) => JSON.stringify(entry.data))).toEqual([]);
  });
});

test('ECS Exec in dev adds findings that are explained, too', () => {
  const { app } = synthesize({}, 'dev');

  expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
});
