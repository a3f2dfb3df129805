import { Stack, Validations } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { StageOverrides } from '../../lib/config';
import { lookUpBackingServices } from '../../lib/stateful/backing-services';
import type { BackingServices } from '../../lib/stateful/backing-services';
import { configurationOf, env, existing, newApp, propertiesOf, synthesize } from './stateful-fixture';

/** A stack that looks the services up. */
function newConsumer(): Stack {
  const stack = new Stack(newApp(), 'Consumer', { env });
  for (const rule of ['W2001', 'F0001']) {
    Validations.of(stack).acknowledge({
      id: `CloudFormation-Validate::${rule}`,
      reason: 'A consumer of a test uses a part only, and may have no resource at all.',
    });
  }
  return stack;
}

/** The template of a stack that uses what the kept stack has published. */
function consume(
  stage: 'dev' | 'production',
  overrides: StageOverrides,
  use: (services: BackingServices, stack: Stack) => void,
): Template {
  const stack = newConsumer();
  use(lookUpBackingServices(stack, configurationOf(stage, overrides)), stack);
  return Template.fromStack(stack);
}

function role(stack: Stack): iam.Role {
  return new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
}

/** A security group of containers that may connect to all three servers. */
function connectToAll({ vpc, database, queue, cache }: BackingServices, stack: Stack): void {
  const containers = new ec2.SecurityGroup(stack, 'Containers', { vpc });
  for (const server of [database, queue, cache]) containers.connections.allowToDefaultPort(server);
}

/** Names of the SSM parameters that a template reads, without the values of CDK's own. */
function namesRead(template: Template): string[] {
  const parameters = template.findParameters('*', { Type: 'AWS::SSM::Parameter::Value<String>' });
  return Object.values(parameters)
    .map((parameter) => (parameter as { Default: string }).Default)
    .filter((name) => !name.startsWith('/cdk-bootstrap/'))
    .sort();
}

function namesPublished(template: Template): string[] {
  return propertiesOf(template, 'AWS::SSM::Parameter')
    .map(({ Name }) => String(Name))
    .sort();
}

const OF_DATABASE = ['host', 'instance-id', 'port', 'secret-arn', 'security-group-id'];
const OF_REDIS = ['host', 'port', 'replication-group-id', 'secret-arn', 'security-group-id'];
const ALWAYS = ['admin-token/secret-arn', 'alarms/topic-arn', 'uploads/bucket-name'];
const named = (concept: string, fields: readonly string[]) => fields.map((field) => `${concept}/${field}`);

describe('the kept stack publishes under fixed names what the configuration does not say', () => {
  test.each([
    [
      'production',
      {},
      [
        ...ALWAYS,
        ...named('cache', OF_REDIS),
        ...named('database', OF_DATABASE),
        ...named('network', ['private-subnet-ids', 'public-subnet-ids', 'vpc-id']),
        ...named('queue', OF_REDIS),
      ],
    ],
    [
      'dev',
      {},
      [
        ...ALWAYS,
        ...named('database', OF_DATABASE),
        ...named('network', ['public-subnet-ids', 'vpc-id']),
        ...named('queue', OF_REDIS),
      ],
    ],
    ['production', existing, ALWAYS],
  ] as const)('%s', (stage, overrides, fields) => {
    const { template } = synthesize(stage, overrides);
    expect(namesPublished(template)).toEqual(fields.map((field) => `/library/${stage}/${field}`).sort());
  });

  test('never the value of a secret', () => {
    const values = propertiesOf(synthesize('production').template, 'AWS::SSM::Parameter').map(({ Value }) => Value);
    expect(JSON.stringify(values)).not.toContain('resolve:secretsmanager');
  });
});

describe('the other stack', () => {
  const useEverything = (services: BackingServices, stack: Stack): void => {
    const { database, queue, cache, uploads, adminToken, alarmTopic } = services;
    connectToAll(services, stack);
    const reader = role(stack);
    for (const { secret } of [database, queue, cache]) secret.grantRead(reader);
    adminToken.grantRead(reader);
    uploads.grantReadWrite(reader);
    alarmTopic.grantPublish(reader);
    const addresses = [database, queue, cache].map(({ host, port }) => `${host}:${port}`);
    const ids = [database.instanceId, ...(queue.nodeIds ?? []), ...(cache.nodeIds ?? [])];
    const subnets = [...services.vpc.publicSubnets, ...services.vpc.privateSubnets].map(({ subnetId }) => subnetId);
    stack.exportValue([...addresses, ...ids, ...subnets].join(' '), { name: 'used' });
  };

  test.each(['dev', 'production'] as const)('reads all of it and nothing else in %s', (stage) => {
    const { template } = synthesize(stage);
    expect(namesRead(consume(stage, {}, useEverything))).toEqual(namesPublished(template));
  });

  test('knows the nodes by the names that the kept stack watches them under', () => {
    const replicas = { redis: { queue: { replicas: 2 } } };
    const { stack: kept } = synthesize('production', replicas);
    const suffixes = (ids: readonly string[] = []) => ids.map((id) => id.slice(id.lastIndexOf('}') + 1));
    expect(suffixes(kept.queue!.nodeIds)).toHaveLength(3);
    consume('production', replicas, ({ queue, cache }) => {
      expect(suffixes(queue.nodeIds)).toEqual(suffixes(kept.queue!.nodeIds));
      expect(suffixes(cache.nodeIds)).toEqual(suffixes(kept.cache!.nodeIds));
    });
  });

  test('stands in the zones that the configuration names', () => {
    const zoneNames = ['eu-central-1c', 'eu-central-1a'];
    consume('production', { network: { zoneNames } }, ({ vpc, instanceSubnets }) => {
      expect(vpc.availabilityZones).toEqual(zoneNames);
      expect(vpc.selectSubnets(instanceSubnets).availabilityZones).toEqual(zoneNames);
    });
  });

  test('neither exports nor imports values of a stack', () => {
    const template = consume('production', {}, connectToAll);
    expect(JSON.stringify(template.toJSON())).not.toMatch(/Fn::ImportValue|Fn::GetStackOutput|"Export"/);
  });

  test('reads nothing that it does not use', () => {
    const names = namesRead(
      consume('production', {}, (services) => expect(services.database.secretField).toBe('password')),
    );
    expect(names.filter((name) => !name.includes('/network/'))).toEqual([]);
  });

  test('has no warning about the network that it does not own', () => {
    for (const overrides of [{}, existing]) {
      const stack = newConsumer();
      lookUpBackingServices(stack, configurationOf('production', overrides));
      expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
    }
  });

  test('opens the servers by rules of its own, one port each', () => {
    const rules = propertiesOf(consume('production', {}, connectToAll), 'AWS::EC2::SecurityGroupIngress');
    expect(rules.map(({ FromPort, ToPort }) => [FromPort, ToPort]).sort()).toEqual([
      [5432, 5432],
      [6379, 6379],
      [6379, 6379],
    ]);
    for (const rule of rules) {
      expect(JSON.stringify(rule.GroupId)).toContain('securitygroupid');
      expect(rule.SourceSecurityGroupId).toBeDefined();
    }
  });

  test('may read exactly the secret that it was told', () => {
    const template = consume('production', {}, ({ queue }, stack) => queue.secret.grantRead(role(stack)));
    const [parameter] = Object.keys(template.findParameters('*', { Default: '/library/production/queue/secret-arn' }));
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            Effect: 'Allow',
            Resource: { Ref: parameter },
          },
        ],
      },
    });
  });

  test('gets instances into private subnets, or into public ones without NAT', () => {
    consume('production', {}, ({ instanceSubnets, vpc }) => {
      expect(vpc.selectSubnets(instanceSubnets).subnets).toEqual(vpc.privateSubnets);
      expect(vpc.privateSubnets).toHaveLength(2);
    });
    consume('dev', { network: { availabilityZones: 3 } }, ({ instanceSubnets, vpc }) => {
      expect(vpc.selectSubnets(instanceSubnets).subnets).toEqual(vpc.publicSubnets);
      expect(vpc.publicSubnets).toHaveLength(3);
    });
  });

  test('gets one and the same server for queue and cache where they are shared', () => {
    consume('dev', {}, ({ queue, cache }) => expect(cache).toBe(queue));
    consume('production', existing, ({ queue, cache }) => expect(cache).toBe(queue));
    consume('production', {}, ({ queue, cache }) => expect(cache).not.toBe(queue));
  });
});

describe('what exists already', () => {
  test('comes from the configuration', () => {
    const template = consume('production', existing, (services, stack) => {
      const { vpc, database, queue } = services;
      expect(vpc.vpcId).toBe('vpc-0123456789abcdef0');
      expect(database).toMatchObject({
        host: 'database.example.org',
        port: '5432',
        name: 'library',
        user: 'librarian',
        secretField: 'password',
        instanceId: undefined,
      });
      expect(queue).toMatchObject({
        host: 'redis.example.org',
        port: '6380',
        tls: true,
        secretField: 'token',
        nodeIds: undefined,
      });
      connectToAll(services, stack);
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: 'sg-0123456789abcdef1',
      FromPort: 6380,
    });
    expect(namesRead(template)).toEqual([]);
  });

  test('is not created again', () => {
    const { stack, template } = synthesize('production', existing);
    expect([stack.database, stack.queue, stack.cache]).toEqual([undefined, undefined, undefined]);
    template.resourceCountIs('AWS::RDS::DBInstance', 0);
    template.resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
  });
});
