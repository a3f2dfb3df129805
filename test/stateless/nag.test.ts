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
  'a private image, a sidecar and a secret under a key of its own': {
    image: { reference: '123456789012.dkr.ecr.us-east-1.amazonaws.com/library:1' },
    web: {
      command: ['node', 'dist/web.js'],
      sidecars: { proxy: { image: { reference: 'envoyproxy/envoy:v1.36' } } },
      secrets: {
        STRIPE_KEY: {
          arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:stripe-AbCdEf',
          kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000001',
        },
      },
    },
  },
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
