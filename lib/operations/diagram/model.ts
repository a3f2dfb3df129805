import { all, number, only, reference, refersTo, text } from './templates';
import type { Found, Template } from './templates';

export interface ServiceModel {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

export interface RedisModel {
  readonly engine: string;
  readonly nodeType: string;
  readonly replicas: number;
  readonly evictionPolicy: string;
}

/** What the picture shows of a deployment. */
export interface DeploymentModel {
  readonly name: string;
  readonly stage: string;
  readonly region: string;
  readonly stackNames: { readonly stateful: string; readonly stateless: string };
  readonly cidr: string;
  readonly zones: number;
  readonly publicSubnets: readonly string[];
  readonly privateSubnets: readonly string[];
  readonly dataSubnets: readonly string[];
  /** Indices of the zones that have a NAT gateway. */
  readonly natZones: readonly number[];
  readonly loadBalancer: { readonly listens: string };
  readonly fleet: {
    readonly instanceType: string;
    readonly architecture: string;
    readonly min: number;
    readonly max: number;
  };
  readonly services: readonly ServiceModel[];
  readonly migration: boolean;
  readonly database: {
    readonly engine: string;
    readonly instanceClass: string;
    readonly storageGiB: number;
    readonly multiAz: boolean;
  };
  readonly queue: RedisModel;
  readonly cache?: RedisModel;
  readonly uploads: string;
  readonly secrets: number;
  readonly parameters: number;
  /** Those that tell people, by the stack that they stand in. */
  readonly alarms: { readonly stateful: number; readonly stateless: number };
  /** E-mail addresses that the alarms' topic tells. */
  readonly subscriptions: number;
  readonly dashboards: number;
  readonly logRetentionDays: number;
}

/** The two stacks as they are written, and what the templates do not say themselves. */
export interface SynthesizedStacks {
  readonly name: string;
  readonly stage: string;
  readonly region: string;
  readonly stackNames: DeploymentModel['stackNames'];
  readonly stateful: Template;
  readonly stateless: Template;
}

/** @throws Error for what the picture shows and a template does not have. */
export function readModel(stacks: SynthesizedStacks): DeploymentModel {
  const { name, stage, region, stackNames, stateful, stateless } = stacks;
  const cache = all(stateful, REPLICATION_GROUP).find(({ id }) => id.startsWith('Cache'));
  return {
    name,
    stage,
    region,
    stackNames,
    ...readNetwork(stateful),
    loadBalancer: { listens: readListeners(stateless) },
    fleet: readFleet(stateless),
    services: all(stateless, 'AWS::ECS::Service').map((service) => readService(stateless, service)),
    migration: hasMigration(stateless),
    database: readDatabase(stateful),
    queue: readRedis(
      stateful,
      only(stateful, REPLICATION_GROUP, ({ id }) => id.startsWith('Queue')),
    ),
    ...(cache === undefined ? {} : { cache: readRedis(stateful, cache) }),
    uploads: readUploads(stateful),
    secrets: all(stateful, 'AWS::SecretsManager::Secret').length,
    parameters: all(stateful, 'AWS::SSM::Parameter').length,
    alarms: { stateful: countTelling(stateful), stateless: countTelling(stateless) },
    subscriptions: all(stateful, 'AWS::SNS::Subscription').length,
    dashboards: all(stateless, 'AWS::CloudWatch::Dashboard').length,
    logRetentionDays: readRetention(stateless),
  };
}

const REPLICATION_GROUP = 'AWS::ElastiCache::ReplicationGroup';

function readNetwork(
  template: Template,
): Pick<DeploymentModel, 'cidr' | 'zones' | 'publicSubnets' | 'privateSubnets' | 'dataSubnets' | 'natZones'> {
  const subnets = all(template, 'AWS::EC2::Subnet');
  const ofKind = (kind: string): readonly Found[] =>
    subnets.filter(({ properties }) => refersTo(properties.Tags, kind));
  const blocks = (kind: string): string[] => ofKind(kind).map((subnet) => text(subnet, 'CidrBlock'));
  const publicIds = ofKind('Public').map(({ id }) => id);
  return {
    cidr: text(only(template, 'AWS::EC2::VPC'), 'CidrBlock'),
    zones: publicIds.length,
    publicSubnets: blocks('Public'),
    privateSubnets: blocks('Private'),
    dataSubnets: blocks('Isolated'),
    natZones: all(template, 'AWS::EC2::NatGateway').map((gateway) => publicIds.indexOf(reference(gateway, 'SubnetId'))),
  };
}

function readListeners(template: Template): string {
  only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
  const listeners = all(template, 'AWS::ElasticLoadBalancingV2::Listener');
  if (listeners.length === 0) throw new Error('the picture needs a listener and the template has none');
  return listeners.map((listener) => `${text(listener, 'Protocol')} ${number(listener, 'Port')}`).join(', ');
}

function readFleet(template: Template): DeploymentModel['fleet'] {
  const group = only(template, 'AWS::AutoScaling::AutoScalingGroup');
  const launch = only(template, 'AWS::EC2::LaunchTemplate').properties.LaunchTemplateData as Found['properties'];
  const instanceType = text({ id: 'LaunchTemplateData', properties: launch }, 'InstanceType');
  return {
    instanceType,
    architecture: JSON.stringify(template).includes('amazon-linux-2023/arm64/') ? 'arm64' : 'x86_64',
    min: number(group, 'MinSize'),
    max: number(group, 'MaxSize'),
  };
}

function readService(template: Template, service: Found): ServiceModel {
  const target = all(template, 'AWS::ApplicationAutoScaling::ScalableTarget').find(({ properties }) =>
    refersTo(properties.ResourceId, service.id),
  );
  const name = text(service, 'ServiceName');
  const label = name === 'worker-default' ? 'worker' : name.replace(/^worker-/, '');
  if (target === undefined) {
    const count = number(service, 'DesiredCount');
    return { name: label, min: count, max: count };
  }
  return { name: label, min: number(target, 'MinCapacity'), max: number(target, 'MaxCapacity') };
}

/** A task definition that no service runs. */
function hasMigration(template: Template): boolean {
  const services = all(template, 'AWS::ECS::Service');
  return all(template, 'AWS::ECS::TaskDefinition').some(
    ({ id }) => !services.some(({ properties }) => refersTo(properties.TaskDefinition, id)),
  );
}

function readDatabase(template: Template): DeploymentModel['database'] {
  const database = only(template, 'AWS::RDS::DBInstance');
  if (text(database, 'Engine') !== 'postgres') throw new Error(`${database.id} is no PostgreSQL; mend scripts/diagram`);
  return {
    engine: `PostgreSQL ${text(database, 'EngineVersion')}`,
    instanceClass: text(database, 'DBInstanceClass'),
    storageGiB: number(database, 'AllocatedStorage'),
    multiAz: database.properties.MultiAZ === true,
  };
}

function readRedis(template: Template, group: Found): RedisModel {
  const parametersId = reference(group, 'CacheParameterGroupName');
  const parameters = only(template, 'AWS::ElastiCache::ParameterGroup', ({ id }) => id === parametersId);
  const values = { id: parameters.id, properties: parameters.properties.Properties as Found['properties'] };
  const engine = text(group, 'Engine');
  return {
    engine: `${engine.charAt(0).toUpperCase()}${engine.slice(1)} ${text(group, 'EngineVersion')}`,
    nodeType: text(group, 'CacheNodeType'),
    replicas: number(group, 'NumCacheClusters') - 1,
    evictionPolicy: text(values, 'maxmemory-policy'),
  };
}

function readUploads(template: Template): string {
  const { properties } = only(template, 'AWS::S3::Bucket', ({ id }) => id.startsWith('Uploads'));
  const versioning = properties.VersioningConfiguration as { readonly Status?: string } | undefined;
  const words = [
    ...(properties.BucketEncryption === undefined ? [] : ['encrypted']),
    ...(versioning?.Status === 'Enabled' ? ['versioned'] : []),
  ];
  return words.join(', ') || 'plain';
}

/** Alarms but those that only scale. */
function countTelling(template: Template): number {
  const policies = all(template, 'AWS::ApplicationAutoScaling::ScalingPolicy');
  return all(template, 'AWS::CloudWatch::Alarm').filter(
    ({ properties }) => !policies.some(({ id }) => refersTo(properties.AlarmActions, id)),
  ).length;
}

/** @throws Error when the containers' log groups differ. */
function readRetention(template: Template): number {
  const days = new Set(all(template, 'AWS::Logs::LogGroup').map((group) => number(group, 'RetentionInDays')));
  const [first] = days;
  if (first === undefined || days.size > 1) {
    throw new Error(`the picture shows one retention and the log groups have ${[...days].join(', ')}`);
  }
  return first;
}
