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
};
