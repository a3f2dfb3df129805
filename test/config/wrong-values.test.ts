import { mistakesOf, production, shopWith } from './shop';

test.each<[string, object, readonly string[]]>([
  [
    'a name that Systems Manager keeps for itself',
    { name: 'awsome' },
    [
      'name is "awsome"; allowed is a name that begins with neither aws nor ssm, which Systems Manager keeps in the paths of parameters: rename it.',
    ],
  ],
  [
    'a tag of AWS',
    { tags: { 'aws:team': 'web' } },
    ['tags has "aws:team"; allowed are names that do not begin with aws:, AWS\'s own: rename it.'],
  ],
  [
    'the ARN of a secret without its suffix',
    { web: { secrets: { API_KEY: { arn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:stripe' } } } },
    [
      'web.secrets.API_KEY.arn is "arn:aws:secretsmanager:us-east-1:111122223333:secret:stripe"; allowed is a secret\'s complete ARN with its suffix of six characters, arn:aws:secretsmanager:region:account:secret:name-AbCdEf.',
    ],
  ],
  [
    "a queue's name that the task engine does not take",
    { workers: { default: { queues: [{ name: 'Mail_out' }] } } },
    [
      'workers.default.queues.0.name is "Mail_out" with taskEngine \'holdfast\'; allowed are lower-case letters, digits, dots and dashes, starting with a letter or digit: rename it.',
    ],
  ],
  [
    'a name with capitals',
    { name: 'Shop' },
    [
      'name is "Shop"; allowed is 1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash: write \'shop\'.',
    ],
  ],
  [
    'an unknown key',
    { nmae: 'shop' },
    [
      'The configuration has the unknown key "nmae": write name; allowed are name, taskEngine, image, web, workers, scheduler, migration, celery, account, region, tls, network, fleet, database, redis, mail, probes, allowedCidrs, alarms, dashboard, logRetentionDays, keepDataOnDelete, budgetUsdPerMonth, tags, acknowledge, stages.',
    ],
  ],
  [
    'an unknown key in a stage',
    { stages: { production: { regoin: 'us-east-1' } } },
    [
      'stages.production has the unknown key "regoin": write region; allowed are name, taskEngine, image, web, workers, scheduler, migration, celery, account, region, tls, network, fleet, database, redis, mail, probes, allowedCidrs, alarms, dashboard, logRetentionDays, keepDataOnDelete, budgetUsdPerMonth, tags, acknowledge, like.',
    ],
  ],
  [
    'an unknown key of a process',
    { web: { memory: 512 } },
    [
      'web has the unknown key "memory": write memoryMiB; allowed are command, image, cpuUnits, memoryMiB, environment, secrets, permissions, databaseConnections, user, readOnlyRootFilesystem, writableFolders, sidecars, drainSeconds, stopTimeoutSeconds, port, healthPath, requestSeconds, deregistrationSeconds, scaling.',
    ],
  ],
  [
    'an unknown key in a stage that the common part has too',
    { web: { cpuUnits: 256 }, stages: { production: { web: { memory: 512, cpu: 1 } } } },
    [
      'stages.production.web has the unknown key "memory": write memoryMiB; allowed are command, image, cpuUnits, memoryMiB, environment, secrets, permissions, databaseConnections, user, readOnlyRootFilesystem, writableFolders, sidecars, drainSeconds, stopTimeoutSeconds, port, healthPath, requestSeconds, deregistrationSeconds, scaling.',
      'stages.production.web has the unknown key "cpu": write cpuUnits; allowed are command, image, cpuUnits, memoryMiB, environment, secrets, permissions, databaseConnections, user, readOnlyRootFilesystem, writableFolders, sidecars, drainSeconds, stopTimeoutSeconds, port, healthPath, requestSeconds, deregistrationSeconds, scaling.',
    ],
  ],
  [
    'the name of a worker kind in capitals',
    { workers: { A: { queues: [{ name: 'a' }] } } },
    [
      'workers.A is not a name that is allowed here; a name is 1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash: write a.',
    ],
  ],
  [
    'a number as text',
    { stages: { production: { fleet: { max: '6' } } } },
    [
      'stages.production.fleet.max is "6"; allowed is a whole number of instances from 1 to 100: write 6, without quotes.',
    ],
  ],
  [
    'a missing region',
    { stages: { production: { region: null } } },
    ["stages.production.region is null; allowed is an AWS region such as 'us-east-1'."],
  ],
  [
    'a region that is none',
    { stages: { production: { region: 'virginia' } } },
    ['stages.production.region is "virginia"; allowed is an AWS region such as \'us-east-1\'.'],
  ],
  [
    'workers without queues',
    { workers: { mail: { command: ['mail'] } } },
    ['workers.mail.queues is missing; allowed is a list of at least one { name, weight? }.'],
  ],
  [
    'an empty list of queues',
    { workers: { default: { queues: [] } } },
    ['workers.default.queues is []; allowed is a list of at least one { name, weight? }: name at least one.'],
  ],
  [
    'a command in shell form',
    { web: { command: 'node web.js' } },
    ['web.command is "node web.js"; allowed is a list of words in exec form, so that SIGTERM reaches the program.'],
  ],
  [
    'a log retention that CloudWatch does not offer',
    { logRetentionDays: 10 },
    [
      'logRetentionDays is 10; allowed is one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653.',
    ],
  ],
  [
    'an e-mail address that is none',
    { alarms: { emails: ['nobody'] } },
    ['alarms.emails.0 is "nobody"; allowed is an e-mail address.'],
  ],
  [
    'a preset that does not exist',
    { stages: { production: { like: 'staging' } } },
    ["stages.production.like is \"staging\"; allowed is 'dev' or 'production'."],
  ],
  [
    'a PostgreSQL that the task engine does not know',
    { database: { engineVersion: '19.1' } },
    ['database.engineVersion is "19.1"; allowed is a full version of PostgreSQL 15 to 18, such as \'18.6\'.'],
  ],
  [
    'an existing network beside settings of a new one',
    {
      network: {
        existing: {
          vpcId: 'vpc-0123456789abcdef0',
          availabilityZones: ['us-east-1a', 'us-east-1b'],
          publicSubnetIds: ['subnet-01234567', 'subnet-01234568'],
          privateSubnetIds: ['subnet-11234567', 'subnet-21234567'],
        },
        natGateways: 1,
      },
    },
    ['network has existing and natGateways; allowed is one of them: remove one.'],
  ],
  [
    'the acknowledgement of a warning that does not exist',
    { acknowledge: { 'holdfast:http': 'It is only for colleagues.' } },
    [
      'acknowledge has the unknown key "holdfast:http": write holdfast:http-only; allowed are holdfast:http-only, holdfast:alarms-reach-nobody, holdfast:redis-plain-tcp, holdfast:shared-cache, holdfast:single-zone-database, holdfast:image-architecture, holdfast:no-migration, holdfast:no-scheduler, holdfast:awsvpc-trunking, holdfast:spot-unused, holdfast:prices-of-another-region, holdfast:price-unknown.',
    ],
  ],
  [
    'an acknowledgement without a real reason',
    { stages: { production: { acknowledge: { 'holdfast:http-only': 'ok' } } } },
    ['stages.production.acknowledge.holdfast:http-only is "ok"; allowed is a reason of at least 10 characters.'],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each(['celery', 'custom'])("takes Celery's names of queues with taskEngine '%s'", (taskEngine) => {
  expect(mistakesOf(shopWith({ taskEngine, workers: { default: { queues: [{ name: 'Mail_out' }] } } }))).toEqual([]);
});

test('takes the key of a secret, zones by name and the upgrade of a major version', () => {
  const secret = {
    arn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef',
    kmsKeyArn: 'arn:aws:kms:us-east-1:111122223333:key/0123-abcd',
  };
  const { configuration } = production({
    web: { secrets: { API_KEY: secret } },
    network: { zoneNames: ['us-east-1b', 'us-east-1d'] },
    database: { allowMajorVersionUpgrade: true },
  });
  expect(configuration.web.secrets['API_KEY']).toEqual(secret);
  expect(configuration).toMatchObject({
    network: { availabilityZones: 2, zoneNames: ['us-east-1b', 'us-east-1d'] },
    database: { allowMajorVersionUpgrade: true },
  });
});
