import { mistakesOf, shopWith } from './shop';

const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef';
const server = { host: 'db.example.org', secretArn, securityGroupId: 'sg-0123456789abcdef0' };

test.each<[string, object, readonly string[]]>([
  [
    'an engine in other letters',
    { taskEngine: 'Celery' },
    ["taskEngine is \"Celery\"; allowed is 'holdfast' or 'celery' or 'custom': write 'celery'."],
  ],
  [
    'a word with a slip',
    { workers: { default: { onDrain: 'giveback' } } },
    ["workers.default.onDrain is \"giveback\"; allowed is 'finish' or 'give-back': write 'give-back'."],
  ],
  [
    'a region in capitals',
    { stages: { production: { region: 'US-EAST-1' } } },
    ["stages.production.region is \"US-EAST-1\"; allowed is an AWS region such as 'us-east-1': write 'us-east-1'."],
  ],
  [
    'a number in quotes',
    { web: { cpuUnits: '256' } },
    [
      'web.cpuUnits is "256"; allowed is a whole number of CPU units (1,024 are one vCPU) from 16 to 16384: write 256, without quotes.',
    ],
  ],
  [
    'a number in quotes that is too large',
    { web: { cpuUnits: '99999' } },
    ['web.cpuUnits is "99999"; allowed is a whole number of CPU units (1,024 are one vCPU) from 16 to 16384.'],
  ],
  [
    'a flag in quotes',
    { dashboard: 'true' },
    ['dashboard is "true"; allowed is true or false: write true, without quotes.'],
  ],
  [
    'days in quotes',
    { logRetentionDays: '14' },
    [
      'logRetentionDays is "14"; allowed is one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653: write 14, without quotes.',
    ],
  ],
  [
    'a version without quotes',
    { redis: { queue: { engineVersion: 8.1 } } },
    [
      "redis.queue.engineVersion is 8.1; allowed is a Valkey version: '7.2', '8.0', '8.1', '8.2', '9.0' or '9.1': write '8.1', in quotes.",
    ],
  ],
  [
    'a variable without quotes',
    { web: { environment: { WORKERS: 4 } } },
    ["web.environment.WORKERS is 4; allowed is text: write '4', in quotes."],
  ],
  [
    'one word where a list is',
    { web: { command: 'serve' } },
    [
      'web.command is "serve"; allowed is a list of words in exec form, so that SIGTERM reaches the program: write ["serve"].',
    ],
  ],
  [
    'an empty list',
    { web: { command: [] } },
    [
      'web.command is []; allowed is a list of words in exec form, so that SIGTERM reaches the program: name at least one.',
    ],
  ],
  [
    'an empty list of zones',
    { network: { zoneNames: [] } },
    ["network.zoneNames is []; allowed is a list of zones such as ['us-east-1a', 'us-east-1b']: name at least 2."],
  ],
  [
    'an image as text',
    { image: 'nginx:1.29-alpine' },
    [
      "image is \"nginx:1.29-alpine\"; allowed is { directory, dockerfile? } or { reference }: write { reference: 'nginx:1.29-alpine' }, or { directory: '…' }.",
    ],
  ],
  [
    'an image that is neither',
    { image: 'My App' },
    ['image is "My App"; allowed is { directory, dockerfile? } or { reference }.'],
  ],
  [
    'a domain in capitals with a final dot',
    { tls: { domain: { name: 'Shop.Example.org.', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.org' } } },
    [
      "tls.domain.name is \"Shop.Example.org.\"; allowed is a domain in lower case without a final dot, such as 'shop.example.org': write 'shop.example.org'.",
    ],
  ],
  [
    'a name that is too long',
    { name: 'a-shop-for-everything-there-is' },
    [
      'name is "a-shop-for-everything-there-is"; allowed is 1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash: it has 30 characters, so shorten it by 10.',
    ],
  ],
  [
    'a worker kind with a long name',
    { workers: { 'a-kind-for-everything-there-is': { command: ['x'], queues: [{ name: 'x' }] } } },
    [
      'workers.a-kind-for-everything-there-is is not a name that is allowed here; a name is 1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash: it has 30 characters, so shorten it by 10.',
    ],
  ],
  [
    "a variable's name in small letters",
    { web: { environment: { log_level: 'debug' } } },
    [
      'web.environment.log_level is not a name that is allowed here; a name is 1 to 100 upper-case letters, digits and underscores, starting with a letter: write LOG_LEVEL.',
    ],
  ],
  [
    'a cache in other letters',
    { redis: { cache: 'Shared' } },
    ["redis.cache is \"Shared\"; allowed is 'shared' or { nodeType, engineVersion? }: write 'shared'."],
  ],
  [
    'a preset with a slip',
    { stages: { production: { like: 'prodution' } } },
    ["stages.production.like is \"prodution\"; allowed is 'dev' or 'production': write 'production'."],
  ],
  [
    'a warning as the command line names it',
    { acknowledge: { 'Annotation::holdfast:http-only': 'It is only for colleagues.' } },
    [
      'acknowledge has the unknown key "Annotation::holdfast:http-only": write holdfast:http-only; allowed are holdfast:http-only, holdfast:alarms-reach-nobody, holdfast:redis-plain-tcp, holdfast:shared-cache, holdfast:single-zone-database, holdfast:image-architecture, holdfast:no-migration, holdfast:no-scheduler, holdfast:awsvpc-trunking, holdfast:spot-unused, holdfast:prices-of-another-region, holdfast:price-unknown.',
    ],
  ],
])('says how to mend %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each<[string, object, readonly string[]]>([
  [
    'two ways of TLS',
    {
      tls: {
        domain: { name: 'shop.example.org', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.org' },
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/abc',
        httpOnly: undefined,
      },
    },
    ['tls has domain and certificateArn; allowed is one of them: remove one.'],
  ],
  [
    'an image to build and to pull',
    { image: { reference: 'nginx:1.29', directory: 'app' } },
    ['image has reference and directory; allowed is one of them: remove one.'],
  ],
  [
    'an existing network and two settings of a new one',
    {
      network: {
        existing: {
          vpcId: 'vpc-0123456789abcdef0',
          availabilityZones: ['us-east-1a', 'us-east-1b'],
          publicSubnetIds: ['subnet-01234567', 'subnet-01234568'],
          privateSubnetIds: ['subnet-11234567', 'subnet-11234568'],
        },
        natGateways: 1,
        cidr: '10.0.0.0/16',
      },
    },
    ['network has existing and natGateways, cidr; allowed is existing or the others: remove it, or them.'],
  ],
  [
    'an existing Redis and a new queue',
    { redis: { existing: server, queue: { replicas: 0 } } },
    ['redis has existing and queue; allowed is one of them: remove one.'],
  ],
  [
    'an existing database, a setting of a new one and a key of none',
    {
      database: {
        existing: { ...server, name: 'app', user: 'app', maxConnections: 400 },
        multiAz: true,
        colour: 'red',
      },
    },
    [
      'database has existing and multiAz; allowed is one of them: remove one.',
      'database has the unknown key "colour"; allowed are existing.',
    ],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each<[string, object, readonly string[]]>([
  [
    'an image with a protocol',
    { image: { reference: 'https://example.org/app' } },
    ["image.reference is \"https://example.org/app\"; allowed is an image's name such as 'nginx:1.29-alpine'."],
  ],
  [
    'an image with an empty tag',
    { image: { reference: 'nginx:' } },
    ["image.reference is \"nginx:\"; allowed is an image's name such as 'nginx:1.29-alpine'."],
  ],
  [
    'a field with a colon',
    { web: { secrets: { API_KEY: { arn: secretArn, field: 'key:AWSCURRENT' } } } },
    ['web.secrets.API_KEY.field is "key:AWSCURRENT"; allowed is a field\'s name, without a colon.'],
  ],
  [
    'a resource that is no ARN',
    { web: { permissions: [{ actions: ['s3:GetObject'], resources: ['arn:films'] }] } },
    [
      'web.permissions.0.resources.0 is "arn:films"; allowed is an ARN, arn:aws:service:region:account:resource, or \'*\' where the action knows no resources.',
    ],
  ],
  [
    "a host's name with two dots",
    { redis: { existing: { ...server, host: 'redis..example.org' } } },
    ['redis.existing.host is "redis..example.org"; allowed is a host name.'],
  ],
  [
    'a sender without a domain',
    { mail: { from: 'Library <post@example>' } },
    [
      "mail.from is \"Library <post@example>\"; allowed is one address such as 'post@example.org' or 'Library <post@example.org>'.",
    ],
  ],
  [
    'two senders',
    { mail: { from: 'post@example.org, news@example.org' } },
    [
      "mail.from is \"post@example.org, news@example.org\"; allowed is one address such as 'post@example.org' or 'Library <post@example.org>'.",
    ],
  ],
  [
    'a sender whose name would need quotes',
    { mail: { from: 'Library, Inc. <post@example.org>' } },
    [
      "mail.from is \"Library, Inc. <post@example.org>\"; allowed is one address such as 'post@example.org' or 'Library <post@example.org>'.",
    ],
  ],
  [
    'a sender with a wildcard',
    { mail: { from: '*@example.org' } },
    [
      "mail.from is \"*@example.org\"; allowed is one address such as 'post@example.org' or 'Library <post@example.org>'.",
    ],
  ],
  [
    'a folder that ends in a slash',
    { web: { writableFolders: ['/tmp/'] } },
    ["web.writableFolders.0 is \"/tmp/\"; allowed is an absolute folder such as '/tmp': write '/tmp'."],
  ],
  [
    'a folder that leads elsewhere',
    { web: { writableFolders: ['/../etc/app'] } },
    ["web.writableFolders.0 is \"/../etc/app\"; allowed is an absolute folder such as '/tmp': write '/etc/app'."],
  ],
  [
    'a relative folder',
    { web: { writableFolders: ['tmp'] } },
    ["web.writableFolders.0 is \"tmp\"; allowed is an absolute folder such as '/tmp': write '/tmp'."],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test('takes back what excludes another by leaving it undefined', () => {
  const tls = { certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/abc', httpOnly: undefined };
  expect(mistakesOf(shopWith({ tls }))).toEqual([]);
});

test.each(['post@example.org', 'Library <post@example.org>', 'Bücherei am Park <post@mail.example.org>'])(
  'takes the sender %s',
  (from) => {
    expect(mistakesOf(shopWith({ mail: { from } }))).toEqual([]);
  },
);

test.each([
  'nginx',
  'nginx:1.29-alpine',
  'ghcr.io/acme/shop-app:v1',
  'localhost:5000/shop',
  `111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web@sha256:${'0a'.repeat(32)}`,
])('takes the image %s', (reference) => {
  expect(mistakesOf(shopWith({ image: { reference } }))).toEqual([]);
});
