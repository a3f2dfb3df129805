import reference from '../../holdfast.config';
import type { Configuration } from '../../lib/config';

/** Configurations that use what the reference one does not; each has the stage `production`. */
export const VARIANTS: Readonly<Record<string, Configuration>> = {
  'spot-and-domain': {
    ...reference,
    fleet: { spot: { instanceTypes: ['t4g.medium', 't4g.large'], max: 4 } },
    workers: {
      ...reference.workers,
      batch: {
        command: ['node', 'dist/worker.js'],
        queues: [{ name: 'batch' }],
        spot: true,
        onDrain: 'give-back',
        handlerSeconds: 7200,
        scaling: { min: 0, max: 2 },
      },
    },
    tls: { domain: { name: 'films.example.org', hostedZoneId: 'Z0123456789ABC', hostedZoneName: 'example.org' } },
    stages: { production: { region: 'us-east-1', fleet: { max: 9 }, database: { instanceClass: 't4g.medium' } } },
  },
  'three-zones': {
    ...reference,
    stages: {
      production: { region: 'ap-northeast-2', network: { availabilityZones: 3, natGateways: 3, flowLogs: true } },
    },
  },
  existing: {
    ...reference,
    network: {
      existing: {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['us-east-1a', 'us-east-1b'],
        publicSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        privateSubnetIds: ['subnet-0123456789abcdef2', 'subnet-0123456789abcdef3'],
      },
    },
    database: {
      existing: {
        host: 'db.example.org',
        name: 'films',
        user: 'films',
        secretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:films-AbCdEf',
        securityGroupId: 'sg-0123456789abcdef0',
        maxConnections: 400,
      },
    },
    redis: {
      existing: {
        host: 'redis.example.org',
        secretArn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:redis-AbCdEf',
        securityGroupId: 'sg-0123456789abcdef1',
      },
    },
    stages: { production: { region: 'us-east-1' } },
  },
  celery: {
    ...reference,
    taskEngine: 'celery',
    stages: { production: { region: 'us-east-1', workers: { default: { scaling: { min: 0 } } } } },
  },
  'custom-awsvpc-cluster': {
    ...reference,
    taskEngine: 'custom',
    image: { reference: '123456789012.dkr.ecr.us-east-1.amazonaws.com/films:1' },
    workers: {
      default: {
        command: ['node', 'dist/worker.js'],
        queues: [{ name: 'default' }],
        scaling: { min: 0, max: 2, metric: { namespace: 'Films', name: 'Waiting', target: 10 } },
      },
    },
    fleet: { instanceType: 'm7g.large', networkMode: 'awsvpc' },
    redis: {
      queue: {
        nodeType: 'cache.m7g.large',
        engineVersion: '9.0',
        clusterMode: true,
        hashTaggedKeys: true,
        durability: 'sync',
        replicas: 1,
      },
    },
    acknowledge: {
      ...reference.acknowledge,
      'holdfast:image-architecture': 'Nothing is deployed from here.',
    },
    stages: { production: { region: 'us-east-1' } },
  },
  'restored-with-sidecars': {
    ...reference,
    mail: { from: 'Films <post@example.org>' },
    fleet: { ecsExec: true },
    database: { fromSnapshot: 'films-before' },
    web: { ...reference.web, sidecars: { proxy: { image: { reference: 'envoyproxy/envoy:v1.36.2' }, port: 9901 } } },
    keepDataOnDelete: 'retain',
    acknowledge: { ...reference.acknowledge, 'holdfast:image-architecture': 'Nothing is deployed from here.' },
    stages: { production: { region: 'us-east-1' } },
  },
};
