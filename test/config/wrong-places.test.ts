import { join } from 'node:path';
import { mistakesOf, shopWith } from './shop';

const root = join(__dirname, '..', '..');
const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef';
const server = { host: 'db.example.org', secretArn, securityGroupId: 'sg-0123456789abcdef0' };
const existingNetwork = (publicSubnetIds: readonly string[], privateSubnetIds: readonly string[]) => ({
  network: {
    existing: {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      publicSubnetIds,
      privateSubnetIds,
    },
  },
});

test.each<[string, object, readonly string[]]>([
  [
    "an image's folder that is not there",
    { image: { directory: 'apps' } },
    [
      `image.directory is "apps", and there is no folder ${root}/apps; allowed is a folder, relative to the one that npx cdk runs in: correct it.`,
    ],
  ],
  [
    'a Dockerfile that is not there',
    { image: { directory: 'docs' } },
    [
      `image.dockerfile is "Dockerfile", and there is no file ${root}/docs/Dockerfile; allowed is a file, relative to the image's directory: correct it.`,
    ],
  ],
  [
    'images of workers and sidecars that are not there',
    {
      workers: { default: { image: { directory: 'app', dockerfile: 'Dockerfile.worker' } } },
      web: { sidecars: { proxy: { image: { directory: 'proxy' } } } },
    },
    [
      `web.sidecars.proxy.image.directory is "proxy", and there is no folder ${root}/proxy; allowed is a folder, relative to the one that npx cdk runs in: correct it.`,
      `workers.default.image.dockerfile is "Dockerfile.worker", and there is no file ${root}/app/Dockerfile.worker; allowed is a file, relative to the image's directory: correct it.`,
    ],
  ],
  [
    'an image of another stage',
    { stages: { dev: { region: 'us-east-1', migration: { image: { directory: 'migrations' } } } } },
    [
      `stages.dev.migration.image.directory is "migrations", and there is no folder ${root}/migrations; allowed is a folder, relative to the one that npx cdk runs in: correct it.`,
    ],
  ],
  [
    'a folder twice',
    { web: { writableFolders: ['/tmp', '/tmp'] } },
    ['web.writableFolders.1 is "/tmp", which stands there already; allowed is each once: remove the second.'],
  ],
  [
    'a folder in another',
    { web: { writableFolders: ['/tmp/cache', '/tmp'] } },
    ['web.writableFolders.0 is "/tmp/cache", which lies in "/tmp"; allowed are folders beside one another: remove it.'],
  ],
  [
    'folders of the image and of the kernel',
    { web: { writableFolders: ['/etc', '/proc/self'] } },
    [
      'web.writableFolders.0 is "/etc", which would hide what the image has there; allowed are folders below it: name the one that is written to.',
      'web.writableFolders.1 is "/proc/self", which the kernel fills; allowed is a folder outside of /dev, /proc and /sys: name another.',
    ],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each<[string, object, readonly string[]]>([
  [
    '50 tags',
    { tags: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`tag${i}`, 'x'])) },
    [
      'tags has 50 tags; allowed are at most 47, because AWS takes 50 and the deployment sets app, stage and Name: remove 3.',
    ],
  ],
  [
    "the deployment's own tags",
    { tags: { App: 'x', stage: 'x' } },
    [
      'tags has "App"; allowed are other names than app and stage, which the deployment sets: remove it.',
      'tags has "stage"; allowed are other names than app and stage, which the deployment sets: remove it.',
    ],
  ],
  [
    'tags that differ by their case',
    { tags: { Team: 'x', team: 'y' } },
    ['tags has "team"; allowed are names that differ by more than their case, and "Team" is there: remove one.'],
  ],
  [
    'subnets that are public and private',
    existingNetwork(['subnet-01234567', 'subnet-01234568'], ['subnet-01234567', 'subnet-01234568']),
    [
      'network.existing.privateSubnetIds has "subnet-01234567", which publicSubnetIds has too; allowed is a subnet in one of them, because its route goes to NAT or to the internet gateway: replace it in one.',
      'network.existing.privateSubnetIds has "subnet-01234568", which publicSubnetIds has too; allowed is a subnet in one of them, because its route goes to NAT or to the internet gateway: replace it in one.',
    ],
  ],
  [
    'a public range',
    { network: { cidr: '11.0.0.0/16' } },
    [
      'network.cidr is "11.0.0.0/16", which is not a private range; allowed are ranges in 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12 but for 172.17.0.0/16, and 192.168.0.0/16: take one that nothing else that you reach has.',
    ],
  ],
  [
    "Docker's range",
    { network: { cidr: '172.17.0.0/16' } },
    [
      'network.cidr is "172.17.0.0/16", where Docker\'s own network on the instances is; allowed are ranges in 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12 but for 172.17.0.0/16, and 192.168.0.0/16: take one that nothing else that you reach has.',
    ],
  ],
  [
    'a snapshot of another region',
    { database: { fromSnapshot: 'arn:aws:rds:eu-west-1:111122223333:snapshot:films' } },
    ["database.fromSnapshot is of eu-west-1; allowed is a snapshot of the stage's region, us-east-1: copy it there."],
  ],
  [
    "the key of an existing database's secret in another region",
    {
      database: {
        existing: {
          ...server,
          name: 'app',
          user: 'app',
          maxConnections: 400,
          kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0123-abcd',
        },
      },
    },
    [
      "database.existing.kmsKeyArn is of eu-west-1; allowed is a key of the stage's region, us-east-1: name the key that the secret has there.",
    ],
  ],
  [
    'lists that name something twice',
    {
      alarms: { emails: ['a@example.org', 'A@example.org'] },
      allowedCidrs: ['10.0.0.0/8', '10.0.0.0/8'],
      fleet: { spot: { instanceTypes: ['t4g.medium', 't4g.medium'], max: 2 } },
      workers: { default: { spot: true } },
    },
    [
      'alarms.emails has "A@example.org" twice; allowed is each once: remove the second.',
      'allowedCidrs has "10.0.0.0/8" twice; allowed is each once: remove the second.',
      'fleet.spot.instanceTypes has "t4g.medium" twice; allowed is each once: remove the second.',
    ],
  ],
  [
    "AWS's access keys",
    { web: { environment: { AWS_ACCESS_KEY_ID: 'x' }, secrets: { AWS_SECRET_ACCESS_KEY: { arn: secretArn } } } },
    [
      "web.environment.AWS_ACCESS_KEY_ID is set by the deployment; allowed are other names: leave it out, or the containers do not take their role, and set the process's permissions.",
      "web.secrets.AWS_SECRET_ACCESS_KEY is set by the deployment; allowed are other names: leave it out, or the containers do not take their role, and set the process's permissions.",
    ],
  ],
  [
    'sizes that ElastiCache does not have',
    { redis: { queue: { nodeType: 'cache.r7g.99xlarge' }, cache: { nodeType: 'cache.m6g.24xlarge' } } },
    [
      'redis.queue.nodeType is "cache.r7g.99xlarge"; allowed is cache.r7g. with one of the sizes large, xlarge, 2xlarge, 4xlarge, 8xlarge, 12xlarge, 16xlarge: take one of them.',
      'redis.cache.nodeType is "cache.m6g.24xlarge"; allowed is cache.m6g. with one of the sizes large, xlarge, 2xlarge, 4xlarge, 8xlarge, 12xlarge, 16xlarge: take one of them.',
    ],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each<[string, object, readonly string[]]>([
  [
    "Celery's setting with another engine",
    { celery: { visibilityTimeoutSeconds: 900 } },
    [
      "celery.visibilityTimeoutSeconds is given with taskEngine 'holdfast', which does not read it; allowed is only with 'celery': remove it.",
    ],
  ],
  [
    "settings of the backlog with 'custom'",
    {
      taskEngine: 'custom',
      workers: { default: { scaling: { backlogPerWorker: 10, oldestAgeSeconds: 60 } } },
      alarms: { backlogTasks: 10 },
    },
    [
      "workers.default.scaling.backlogPerWorker is given with taskEngine 'custom', which does not read it; allowed is only with 'holdfast' or 'celery': remove it.",
      "workers.default.scaling.oldestAgeSeconds is given with taskEngine 'custom', which does not read it; allowed is only with 'holdfast': remove it.",
      "alarms.backlogTasks is given with taskEngine 'custom', which does not read it; allowed is only with 'holdfast' or 'celery': remove it.",
    ],
  ],
  [
    "settings of 'holdfast' with Celery",
    { taskEngine: 'celery', workers: { default: { scaleInProtection: false } }, alarms: { oldestAgeSeconds: 60 } },
    [
      "workers.default.scaleInProtection is given with taskEngine 'celery', which does not read it; allowed is only with 'holdfast': remove it.",
      "alarms.oldestAgeSeconds is given with taskEngine 'celery', which does not read it; allowed is only with 'holdfast': remove it.",
    ],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test('leaves the settings of another engine to the stages that have it', () => {
  const celery = { taskEngine: 'celery', celery: { visibilityTimeoutSeconds: 900 } };
  const other = { stages: { dev: { region: 'us-east-1', taskEngine: 'custom' } } };
  expect(mistakesOf(shopWith(celery, other))).toEqual([]);
});
