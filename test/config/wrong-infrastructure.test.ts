import { mistakesOf, shopWith } from './shop';

test.each<[string, object, readonly string[]]>([
  [
    'more instances at least than at most',
    { stages: { production: { fleet: { min: 7 } } } },
    ['stages.production.fleet.min is 7 with max 6; allowed is at most 6: lower min, or raise max.'],
  ],
  [
    'more connections than the database has',
    { workers: { default: { scaling: { max: 20 } } }, fleet: { max: 20 } },
    [
      'stages.production.database.instanceClass is "t4g.small" with 225 connections, and the processes open up to 476; allowed are 180, 80 %: lower scaling.max or databaseConnections of workers.default (20 containers, 2 times in a rollout, 11 each: 440), or take instanceClass \'t4g.large\' with 901.',
    ],
  ],
  [
    'more connections than an existing database has',
    {
      database: {
        existing: {
          host: 'db.example.org',
          name: 'app',
          user: 'app',
          secretArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef',
          securityGroupId: 'sg-0123456789abcdef0',
          maxConnections: 50,
        },
      },
    },
    [
      'database.existing.maxConnections is 50, and the processes open up to 80; allowed are 40, 80 %: lower scaling.max or databaseConnections of workers.default (2 containers, 2 times in a rollout, 11 each: 44).',
    ],
  ],
  [
    'an instance type that is not known',
    { stages: { production: { fleet: { instanceType: 'x9.huge' } } } },
    [
      'stages.production.fleet.instanceType is "x9.huge", which is not known here; allowed is one of the families t3, t3a, t4g, m5, m6g, m6i, m7g, m7i, c6g, c6i, c7g, c7i, r6g, r6i, r7g, r7i in a size from nano (t) or medium to 8xlarge: take one of them, or add it to lib/config/instance-types.ts.',
    ],
  ],
  [
    'a task with more memory than an instance',
    { workers: { default: { memoryMiB: 4096 } } },
    [
      'workers.default.memoryMiB is 4096 with its sidecars; allowed is at most 3713, what a t4g.medium has for tasks: lower it, or take a larger instance type.',
    ],
  ],
  [
    'a task with more CPU units than an instance',
    { workers: { default: { cpuUnits: 4096 } } },
    [
      'workers.default.cpuUnits is 4096 with its sidecars; allowed is at most 2048, what a t4g.medium has for tasks: lower it, or take a larger instance type.',
    ],
  ],
  [
    'a fleet without room for a rollout',
    {
      stages: {
        production: {
          fleet: { min: 1, max: 1 },
          workers: { default: { scaling: { max: 8 } } },
          database: { instanceClass: 'm7g.large' },
        },
      },
    },
    [
      'stages.production.fleet.max is 1; allowed is at least 3, which hold, however they are spread, all processes at their largest scale; a second set of workers.default, whose busy containers leave a rollout only when it runs in full; a new copy of web (t4g.medium has 3713 MiB and 2048 CPU units for tasks): raise it, or lower scaling.max of web or workers.default.',
    ],
  ],
  [
    'awsvpc without NAT',
    { stages: { production: { network: { natGateways: 0 }, fleet: { networkMode: 'awsvpc', max: 20 } } } },
    [
      'stages.production.fleet.networkMode is "awsvpc" with natGateways 0; allowed is awsvpc only with NAT, because interfaces of tasks on EC2 get no public address: set natGateways to 1, or networkMode \'bridge\'.',
    ],
  ],
  [
    'awsvpc with too few network interfaces',
    { stages: { production: { fleet: { networkMode: 'awsvpc', max: 3 } } } },
    [
      "stages.production.fleet.max is 3; allowed is at least 5, which hold, however they are spread, all processes at their largest scale; a second set of workers.default, whose busy containers leave a rollout only when it runs in full; a new copy of web (t4g.medium has 3713 MiB and 2048 CPU units for at most 2 tasks): raise it, or lower scaling.max of web or workers.default, or set networkMode 'bridge'.",
    ],
  ],
  [
    'Spot instances of another architecture',
    { fleet: { spot: { instanceTypes: ['t3.medium'], max: 3 } }, workers: { default: { spot: true } } },
    [
      'fleet.spot.instanceTypes has "t3.medium"; allowed are types of the architecture of t4g.medium, arm64, because there is one image: replace it.',
    ],
  ],
  [
    'more NAT gateways than zones',
    { network: { natGateways: 3 } },
    ['network.natGateways is 3 with availabilityZones 2; allowed is at most one a zone: lower it to 2.'],
  ],
  [
    'address ranges that are none',
    { network: { cidr: '10.20.1.0/16' }, allowedCidrs: ['300.0.0.0/8'] },
    [
      'network.cidr is "10.20.1.0/16"; allowed is an IPv4 range that begins at its first address: write "10.20.0.0/16".',
      'allowedCidrs.0 is "300.0.0.0/8"; allowed is an IPv4 range that begins at its first address: correct its numbers.',
    ],
  ],
  [
    'an existing network whose lists do not fit',
    {
      network: {
        existing: {
          vpcId: 'vpc-0123456789abcdef0',
          availabilityZones: ['us-east-1a', 'us-west-2b'],
          publicSubnetIds: ['subnet-01234567', 'subnet-01234568', 'subnet-01234569'],
          privateSubnetIds: ['subnet-11234567', 'subnet-11234567'],
        },
      },
    },
    [
      'network.existing.publicSubnetIds has 3 subnets for 2 availabilityZones; allowed is one a zone, in their order: name 2.',
      'network.existing.privateSubnetIds names one twice; allowed is each once: remove the second.',
      'network.existing.availabilityZones has "us-west-2b"; allowed are zones of the stage\'s region, us-east-1: correct one of them.',
    ],
  ],
  [
    'a certificate of another region',
    { tls: { certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/abc' } },
    [
      "tls.certificateArn is of eu-west-1; allowed is a certificate of the stage's region, us-east-1: ask ACM for one there.",
    ],
  ],
  [
    'a domain outside its hosted zone',
    { tls: { domain: { name: 'shop.example.org', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.com' } } },
    [
      'tls.domain.name is "shop.example.org"; allowed is "example.com" or a name below it, because its record goes into that zone: correct one of them.',
    ],
  ],
  [
    'a secret of another region',
    { web: { secrets: { API_KEY: { arn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-abcdef' } } } },
    [
      "web.secrets.API_KEY.arn is of eu-west-1; allowed is a secret of the stage's region, us-east-1: replicate it there.",
    ],
  ],
  [
    'a database class that RDS does not have',
    { database: { instanceClass: 't4g.nano' } },
    [
      'database.instanceClass is "t4g.nano"; allowed is one of the families t3, t4g, m5, m6g, m6i, m7g, m7i, r6g, r6i, r7g, r7i in a size that RDS has (micro to 2xlarge for t, large to 8xlarge): take one of them, or add it to lib/config/instance-types.ts.',
    ],
  ],
  [
    'storage that cannot grow',
    { database: { storageGiB: 100 } },
    ['database.maxStorageGiB is 100 with storageGiB 100; allowed is at least 110, a tenth more: raise it.'],
  ],
  [
    'names that the database keeps for itself',
    { database: { user: 'rdsadmin', name: 'template1' } },
    [
      'database.user is "rdsadmin"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
      'database.name is "template1"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
    ],
  ],
  [
    'reserved words and prefixes as names in the database',
    { database: { user: 'pg_app', name: 'order' } },
    [
      'database.user is "pg_app"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
      'database.name is "order"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
    ],
  ],
  [
    "RDS's own words as names in the database",
    { database: { user: 'admin', name: 'db' } },
    [
      'database.user is "admin"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
      'database.name is "db"; allowed is a name that neither RDS nor PostgreSQL keeps for itself: rename it.',
    ],
  ],
  [
    'cluster mode with an engine that does not follow redirections',
    { redis: { queue: { clusterMode: true, hashTaggedKeys: true } } },
    [
      "redis.queue.clusterMode is true with taskEngine 'holdfast', whose connection does not follow a cluster's redirections yet; allowed are clusterMode false or taskEngine 'custom': set it false.",
    ],
  ],
  [
    'durability with an engine that has no cluster mode',
    { redis: { queue: { durability: 'async' } } },
    [
      "redis.queue.durability is \"async\", which needs cluster mode, with taskEngine 'holdfast', whose connection does not follow a cluster's redirections yet; allowed are 'default' and 'disabled', or taskEngine 'custom': set it 'default', because the ledger in PostgreSQL keeps the tasks.",
    ],
  ],
  [
    'a fleet that holds one new worker of four, where busy ones wait for all',
    { workers: { default: { memoryMiB: 3_000, scaling: { max: 4 } } } },
    [
      'stages.production.fleet.max is 6; allowed is at least 11, which hold, however they are spread, all processes at their largest scale; a second set of workers.default, whose busy containers leave a rollout only when it runs in full; a new copy of web (t4g.medium has 3713 MiB and 2048 CPU units for tasks): raise it, or lower scaling.max of web or workers.default.',
    ],
  ],
  [
    'a fleet that fits only when packed well',
    { taskEngine: 'custom', fleet: { max: 3 }, workers: { default: { memoryMiB: 1_800, scaling: { max: 5 } } } },
    [
      'fleet.max is 3; allowed is at least 5, which hold, however they are spread, all processes at their largest scale; a new copy of workers.default (t4g.medium has 3713 MiB and 2048 CPU units for tasks): raise it, or lower scaling.max of web or workers.default.',
    ],
  ],
  [
    'a rollout in more rounds than CloudFormation waits for',
    {
      taskEngine: 'custom',
      fleet: { max: 9 },
      workers: { default: { memoryMiB: 3_000, handlerSeconds: 3_000, databaseConnections: 5, scaling: { max: 6 } } },
    },
    [
      'fleet.max is 9, so a rollout of workers.default goes in 6 rounds of 3020 s (6 containers, room for 1 new at once); allowed is at most 9000 s in all, or CloudFormation gives up: raise it to 11, or lower scaling.max of workers.default.',
    ],
  ],
  [
    'long drains that would keep more connections than there are',
    { workers: { default: { handlerSeconds: 900, databaseConnections: 35 } } },
    [
      'stages.production.database.instanceClass is "t4g.small" with 225 connections, and the processes open up to 246 when a further deploy starts while workers.default of the one before still drains; allowed are 225: lower scaling.max, databaseConnections or handlerSeconds of workers.default, or take a larger instance class.',
    ],
  ],
  [
    'zones that are not as many, of another region, and twice',
    { network: { zoneNames: ['us-east-1a', 'us-east-1a', 'us-west-2b'] } },
    [
      'network.zoneNames has 3 zones with availabilityZones 2; allowed are as many as that: name 2, or change availabilityZones.',
      'network.zoneNames names one twice; allowed is each once: remove the second.',
      'network.zoneNames has "us-west-2b"; allowed are zones of the stage\'s region, us-east-1: correct one of them.',
    ],
  ],
  [
    'the key of a secret in another region',
    {
      web: {
        secrets: {
          API_KEY: {
            arn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef',
            kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0123-abcd',
          },
        },
      },
    },
    [
      "web.secrets.API_KEY.kmsKeyArn is of eu-west-1; allowed is a key of the stage's region, us-east-1: name the key that the secret has there.",
    ],
  ],
  [
    'node types that ElastiCache does not have',
    { redis: { queue: { nodeType: 'cache.t4g.large' }, cache: { nodeType: 'cache.x2.large' } } },
    [
      'redis.queue.nodeType is "cache.t4g.large"; allowed is cache.t4g. with one of the sizes micro, small, medium: take one of them.',
      'redis.cache.nodeType is "cache.x2.large"; allowed is cache. with one of the families t3, t4g, m5, m6g, m7g, m8g, r5, r6g, r7g, r8g, c7gn, c8gn and a size: take one of them.',
    ],
  ],
  [
    'durability where it is not to be had',
    { taskEngine: 'custom', redis: { queue: { durability: 'sync', replicas: 0 } } },
    [
      "redis.queue.engineVersion is \"8.2\" with durability 'sync'; allowed is at least '9.0': change it.",
      "redis.queue.clusterMode is false with durability 'sync'; allowed is true: change it.",
      "redis.queue.replicas is 0 with durability 'sync'; allowed is at least 1: change it.",
      'stages.production.redis.queue.nodeType is "cache.t4g.micro" with durability \'sync\'; allowed is one of the families m6g, m7g, m8g, r6g, r7g, r8g, c7gn, c8gn: change it.',
    ],
  ],
  [
    'cluster mode without hash tags',
    {
      taskEngine: 'custom',
      redis: { queue: { clusterMode: true }, cache: 'shared' },
      acknowledge: { 'holdfast:shared-cache': 'It is a test of the rest.' },
    },
    [
      "redis.queue.clusterMode is true without hashTaggedKeys; allowed is cluster mode where all keys of a command have the same {…}, or it fails with CROSSSLOT: set hashTaggedKeys true once your engine does (Celery does with global_keyprefix '{celery}:').",
      "redis.queue.clusterMode is true with cache 'shared'; allowed is a node of its own for the cache, whose keys have no {…}: give redis.cache a nodeType.",
    ],
  ],
  [
    'cluster mode without a replica',
    { taskEngine: 'custom', redis: { queue: { clusterMode: true, hashTaggedKeys: true, replicas: 0 } } },
    [
      'redis.queue.replicas is 0 with clusterMode true; allowed is at least 1, or ElastiCache refuses each later change of the queue: raise it.',
    ],
  ],
  [
    'Celery with a queue that may be lost',
    { taskEngine: 'celery', redis: { queue: { replicas: 0 }, cache: 'shared' } },
    [
      "redis.queue.replicas is 0 with taskEngine 'celery'; allowed is at least 1 in a stage like production, because Celery keeps tasks in Redis alone: raise it.",
      'redis.cache is "shared" with taskEngine \'celery\'; allowed is a node of its own in a stage like production, because a full cache would drop tasks: give it a nodeType.',
    ],
  ],
  [
    'a budget below the estimate',
    { stages: { production: { budgetUsdPerMonth: 100 } } },
    [
      'stages.production.budgetUsdPerMonth is 100, and the estimate is 201.77 USD per month; allowed is at least that: raise it to 202, or save on the largest items: EC2 t4g.medium x 2 49.06, RDS db.t4g.small Multi-AZ 47.45, NAT gateways x 1 32.85.',
    ],
  ],
  [
    'a budget that an unknown price could exceed',
    { fleet: { instanceType: 't3.medium' }, stages: { production: { budgetUsdPerMonth: 215 } } },
    [
      'stages.production.budgetUsdPerMonth is 215, and the price of EC2 t3.medium x 2 is unknown; allowed is a budget where each price is known: add it to lib/config/prices.ts, or take out the budget.',
    ],
  ],
  [
    'the acknowledgement of a warning that nothing raises',
    { acknowledge: { 'holdfast:http-only': 'It is only for colleagues.' } },
    [
      'acknowledge.holdfast:http-only accepts a warning that nothing raises; allowed are warnings that are raised: remove it.',
    ],
  ],
  [
    'an e-mail address twice',
    { alarms: { emails: ['a@example.org', 'a@example.org'] } },
    ['alarms.emails has "a@example.org" twice; allowed is each once: remove the second.'],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});
