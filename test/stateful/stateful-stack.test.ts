import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { existing, propertiesOf, synthesize } from './stateful-fixture';
import type { Synthesized } from './stateful-fixture';

/** What the synth's own validation writes; what is acknowledged stands apart from the violations. */
interface ValidationReport {
  readonly pluginReports: readonly { readonly conclusion: string; readonly violations?: readonly unknown[] }[];
}

const VARIANTS: readonly (readonly [string, () => Synthesized])[] = [
  ['dev', () => synthesize('dev')],
  ['production', () => synthesize('production')],
  ['production, kept whole', () => synthesize('production', { keepDataOnDelete: 'retain' })],
  ['three zones with flow logs', () => synthesize('production', { network: { availabilityZones: 3, flowLogs: true } })],
  [
    'zones that the configuration names',
    () => synthesize('production', { network: { zoneNames: ['eu-central-1c', 'eu-central-1a'] } }),
  ],
  ['a restored database', () => synthesize('production', { database: { fromSnapshot: 'before-the-move' } })],
  ['network, database and Redis of the user', () => synthesize('production', existing)],
];

describe.each(VARIANTS)('the kept stack: %s', (_, make) => {
  const { app, stack, template } = make();

  test('has no finding of cdk-nag without a reason at the resource', () => {
    const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([]);
  });

  test('has no warning that is not acknowledged', () => {
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
    expect(Annotations.fromStack(stack).findError('*', Match.anyValue())).toEqual([]);
    const { directory } = app.synth();
    const report = JSON.parse(readFileSync(join(directory, 'validation-report.json'), 'utf8')) as ValidationReport;
    expect(report.pluginReports.flatMap(({ violations = [] }) => violations)).toEqual([]);
    expect(report.pluginReports.map(({ conclusion }) => conclusion)).not.toContain('failure');
  });

  test('is synthesised without asking an account and runs no code of its own', () => {
    expect(app.synth().manifest.missing ?? []).toEqual([]);
    template.resourceCountIs('AWS::Lambda::Function', 0);
    expect(JSON.stringify(template.toJSON())).not.toContain('Custom::');
  });

  test('lets nobody in or out by itself', () => {
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    for (const { SecurityGroupIngress, SecurityGroupEgress } of propertiesOf(template, 'AWS::EC2::SecurityGroup')) {
      expect(SecurityGroupIngress).toBeUndefined();
      expect(SecurityGroupEgress).toEqual([expect.objectContaining({ Description: 'Disallow all traffic' })]);
    }
  });
});

describe('what is kept', () => {
  test('a last snapshot of database and queue remains by default, and the uploads themselves', () => {
    const { template } = synthesize('production');
    for (const type of ['AWS::RDS::DBInstance', 'AWS::ElastiCache::ReplicationGroup']) {
      template.hasResource(type, { DeletionPolicy: 'Snapshot', UpdateReplacePolicy: 'Snapshot' });
    }
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  });

  test('the cache is not worth a snapshot', () => {
    const { template } = synthesize('production');
    template.hasResource('AWS::ElastiCache::ReplicationGroup', {
      DeletionPolicy: 'Delete',
      Properties: { ReplicationGroupDescription: 'Cache of library production', SnapshotRetentionLimit: 0 },
    });
  });

  test("with 'retain', database and queue stay as they are, with what they stand in", () => {
    const { template } = synthesize('production', { keepDataOnDelete: 'retain' });
    template.hasResource('AWS::RDS::DBInstance', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    template.hasResource('AWS::ElastiCache::ReplicationGroup', {
      DeletionPolicy: 'Retain',
      Properties: { ReplicationGroupDescription: 'Queue of library production' },
    });
    for (const type of [
      'AWS::EC2::VPC',
      'AWS::EC2::Subnet',
      'AWS::EC2::SecurityGroup',
      'AWS::RDS::DBSubnetGroup',
      'AWS::RDS::DBParameterGroup',
      'AWS::ElastiCache::SubnetGroup',
      'AWS::ElastiCache::ParameterGroup',
      'AWS::SecretsManager::Secret',
    ]) {
      template.allResources(type, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
  });
});

test('what can carry tags says app, stage and the tags of the configuration', () => {
  const { template } = synthesize('dev', { tags: { team: 'reading room' } });
  const tags = [
    { Key: 'app', Value: 'library' },
    { Key: 'stage', Value: 'dev' },
    { Key: 'team', Value: 'reading room' },
  ];
  for (const type of [
    'AWS::RDS::DBInstance',
    'AWS::ElastiCache::ReplicationGroup',
    'AWS::S3::Bucket',
    'AWS::EC2::VPC',
  ]) {
    const [{ Tags } = {}] = propertiesOf(template, type);
    expect(Tags).toEqual(expect.arrayContaining(tags));
  }
});

describe('the admin token', () => {
  test('is 64 letters and digits', () => {
    synthesize('dev').template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Description: 'Bearer token of the administration routes of library dev',
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true, IncludeSpace: false },
    });
  });
});

describe('uploads', () => {
  const { template } = synthesize('dev');

  test('are private, encrypted, versioned and reached over TLS only', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: Match.anyValue(),
      VersioningConfiguration: { Status: 'Enabled' },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
        ]),
      },
    });
  });

  test('do not gather what was given up: unfinished for 7 days, replaced for 30', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' }),
          Match.objectLike({ NoncurrentVersionExpiration: { NoncurrentDays: 30 }, Status: 'Enabled' }),
        ],
      },
    });
  });
});

describe('the alarm topic', () => {
  const { template } = synthesize('production', { alarms: { emails: ['a@example.org', 'b@example.org'] } });

  test('writes to each address of the configuration', () => {
    template.resourceCountIs('AWS::SNS::Subscription', 2);
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'b@example.org' });
  });

  test("takes messages of this account's alarms, over TLS only, under a policy that replaces the default one", () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: Match.objectLike({ StringEquals: { 'aws:SourceAccount': '123456789012' } }),
          }),
        ],
      },
    });
  });

  test('has no key: CloudWatch may not use the one of SNS', () => {
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.absent() });
  });
});
