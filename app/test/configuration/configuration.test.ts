import Redis from 'ioredis';
import ConnectionParameters from 'pg/lib/connection-parameters';
import { ConfigurationError, readConfiguration } from '../../src/configuration/configuration';
import type { ProcessKind } from '../../src/configuration/configuration';

const NEEDED = { DATABASE_URL: 'postgres://user:hunter2@db:5432/holdfast', OBJECTS_URL: 'file:///srv/objects' };
const OBJECTS_RULE = 'write file:///absolute/folder or s3://bucket/prefix';
const QUEUE_RULE = 'lower-case letters, digits, dots and dashes, at most 100, starting with a letter or digit';
const DATABASE_RULE = 'write postgres://user:password@host:port/database.';
const REDIS_RULE = 'write redis://host:port or rediss://user:password@host:port.';

function mistakes(kind: ProcessKind, environment: Record<string, string>): readonly string[] {
  try {
    readConfiguration(kind, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes;
    throw error;
  }
}

describe('readConfiguration', () => {
  test('has defaults for everything but the addresses', () => {
    expect(readConfiguration('web', NEEDED)).toEqual({
      databaseUrl: NEEDED.DATABASE_URL,
      logLevel: 'info',
      databasePoolSize: 10,
      queueRedisUrl: undefined,
      heartbeatSeconds: 5,
      leaseSeconds: 15,
      listenHost: '0.0.0.0',
      metricsPort: 9464,
      drainSeconds: 20,
      port: 8080,
      cacheRedisUrl: undefined,
      objectsUrl: { kind: 'folder', folder: '/srv/objects' },
      adminToken: undefined,
      libraryName: 'Town Library',
      timeZone: 'Europe/London',
      publicUrl: 'http://localhost:8080',
      contactChannels: [],
      reminderTime: '09:00',
      outboxUrl: undefined,
      probes: false,
    });
    expect(readConfiguration('worker', NEEDED)).toMatchObject({
      mailUrl: undefined,
      mailFrom: undefined,
      workerKind: 'default',
      probeReceiverUrl: undefined,
      scaleInProtection: false,
      ecsAgentUri: undefined,
      ecsMetadataUri: undefined,
      workerConcurrency: 10,
      workerQueues: [
        { name: 'default', weight: 1 },
        { name: 'imports', weight: 1 },
        { name: 'reminders', weight: 1 },
        { name: 'images', weight: 1 },
        { name: 'collect', weight: 1 },
        { name: 'probes', weight: 1 },
      ],
    });
  });

  test('reads what is set; empty is unset; blanks around a value do not count', () => {
    const environment = {
      ...NEEDED,
      PORT: ' 0 ',
      PUBLIC_URL: 'https://library.example/films/',
      LOG_LEVEL: '',
      PROBES: 'on',
      QUEUE_REDIS_URL: 'rediss://:secret@cache:6380/2',
    };
    expect(readConfiguration('web', environment)).toMatchObject({
      port: 0,
      publicUrl: 'https://library.example/films',
      logLevel: 'info',
      probes: true,
      queueRedisUrl: 'rediss://:secret@cache:6380/2',
    });
    expect(readConfiguration('worker', { ...NEEDED, WORKER_QUEUES: 'mail:5, default' }).workerQueues).toEqual([
      { name: 'mail', weight: 5 },
      { name: 'default', weight: 1 },
    ]);
  });

  test.each([
    ['sns://eu-central-1', { kind: 'sns', region: 'eu-central-1' }],
    ['smtp://gateway:25', { kind: 'smtp', host: 'gateway', port: 25, domain: 'sms.localhost' }],
    ['smtp://gateway:25/sms.example.org', { kind: 'smtp', host: 'gateway', port: 25, domain: 'sms.example.org' }],
  ])('reads SMS_URL %s', (url, address) => {
    const environment = { ...NEEDED, SMS_URL: url, MAIL_URL: 'smtp://mail:25', MAIL_FROM: 'post@example.org' };
    expect(readConfiguration('worker', environment).smsUrl).toEqual(address);
  });

  test('a gateway for text messages needs a sender', () => {
    expect(mistakes('worker', { ...NEEDED, SMS_URL: 'smtp://gateway:25' })).toEqual([
      'MAIL_FROM is not set although SMS_URL is a gateway for mail; set it.',
    ]);
    expect(mistakes('worker', { ...NEEDED, SMS_URL: 'sns://eu-central-1' })).toEqual([]);
    expect(mistakes('worker', { ...NEEDED, SMS_URL: 'smtp://gateway' })).toEqual([
      'SMS_URL is not where text messages are sent through; write sns://region, smtp://host:port or smtp://host:port/domain-of-the-gateway.',
    ]);
  });

  test('asks each kind of process only for what it reads', () => {
    const { DATABASE_URL } = NEEDED;
    expect(mistakes('migrate', { DATABASE_URL, PORT: 'x', OBJECTS_URL: 'x' })).toEqual([]);
    expect(mistakes('scheduler', { DATABASE_URL, PORT: 'x' })).toEqual([]);
    expect(mistakes('worker', { DATABASE_URL })).toEqual([`OBJECTS_URL is not set; ${OBJECTS_RULE}.`]);
  });

  test.each([
    ['DATABASE_URL', '', `DATABASE_URL is not set; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'mysql://user:hunter2@db/x', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'postgres://db', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'hunter2', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['QUEUE_REDIS_URL', 'http://hunter2', `QUEUE_REDIS_URL is not a Redis address; ${REDIS_RULE}`],
    ['QUEUE_REDIS_URL', 'redis:hunter2', `QUEUE_REDIS_URL is not a Redis address; ${REDIS_RULE}`],
    [
      'DATABASE_URL',
      'postgres://user:hunter2@db/x?sslmode=require',
      'DATABASE_URL has the sslmode "require"; allowed is one of verify-full, no-verify, disable.',
    ],
    [
      'DATABASE_URL',
      'postgres://db/x?sslmode=disable&sslmode=verify-full',
      'DATABASE_URL has the sslmode "disable", "verify-full"; allowed is one of verify-full, no-verify, disable.',
    ],
    [
      'DATABASE_URL',
      'postgres://user:hunter2@db/x?ssl=true',
      'DATABASE_URL has the parameter "ssl", which is not read; write ?sslmode=verify-full, and name further certificate authorities by NODE_EXTRA_CA_CERTS.',
    ],
    ['LIBRARY_NAME', 'x'.repeat(101), 'LIBRARY_NAME is longer than 100 characters, the most allowed.'],
    ['REMINDER_TIME', '9:00', 'REMINDER_TIME is "9:00"; allowed is a time of day such as 09:00.'],
    ['CONTACT_CHANNELS', 'email,fax', 'CONTACT_CHANNELS holds "fax"; allowed are email, sms.'],
    ['TIME_ZONE', 'Berlin', 'TIME_ZONE is "Berlin"; allowed is an IANA zone such as Europe/Berlin.'],
    ...['library.example', 'ftp://library.example', 'https://user@library.example', 'https://library.example?x=1'].map(
      (url): [string, string, string] => [
        'PUBLIC_URL',
        url,
        `PUBLIC_URL is "${url}"; write https://host, where readers find the app.`,
      ],
    ),
    ['CACHE_REDIS_URL', 'hunter2', `CACHE_REDIS_URL is not a Redis address; ${REDIS_RULE}`],
    ...[
      '/srv/objects',
      'file://host/objects',
      's3:bucket',
      's3://Bucket/x',
      's3://a..b/x',
      's3://10.0.0.1/x',
      's3://bucket/A',
      's3://bucket//x',
    ].map((url): [string, string, string] => [
      'OBJECTS_URL',
      url,
      `OBJECTS_URL is not the address of a folder or a bucket; ${OBJECTS_RULE}.`,
    ]),
    [
      'ADMIN_TOKEN',
      'hunter2',
      'ADMIN_TOKEN has 7 characters; allowed are 16 or more, for example from: openssl rand -hex 32.',
    ],
    ['PORT', '65536', 'PORT is "65536"; allowed is a whole number from 0 to 65535.'],
    ['PORT', '80a', 'PORT is "80a"; allowed is a whole number from 0 to 65535.'],
    ['PORT', '-1', 'PORT is "-1"; allowed is a whole number from 0 to 65535.'],
    ['METRICS_PORT', '1e3', 'METRICS_PORT is "1e3"; allowed is a whole number from 0 to 65535.'],
    ['DATABASE_POOL_SIZE', '3', 'DATABASE_POOL_SIZE is "3"; allowed is a whole number from 4 to 200.'],
    ['DRAIN_SECONDS', '3601', 'DRAIN_SECONDS is "3601"; allowed is a number of seconds from 0 to 3600.'],
    ['DRAIN_SECONDS', '20s', 'DRAIN_SECONDS is "20s"; allowed is a number of seconds from 0 to 3600.'],
    ['HEARTBEAT_SECONDS', '0', 'HEARTBEAT_SECONDS is "0"; allowed is a number of seconds from 0.1 to 60.'],
    ['LEASE_SECONDS', '9.9', 'LEASE_SECONDS is 9.9 with HEARTBEAT_SECONDS 5; allowed is at least two heartbeats, 10.'],
    ['PROBES', 'yes', 'PROBES is "yes"; allowed is on or off.'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL is "loud"; allowed is fatal, error, warn, info, debug, trace, silent.'],
  ])('web refuses %s=%s', (name, value, mistake) => {
    expect(mistakes('web', { ...NEEDED, [name]: value })).toEqual([mistake]);
  });

  test.each([
    ['WORKER_CONCURRENCY', '0', 'WORKER_CONCURRENCY is "0"; allowed is a whole number from 1 to 1000.'],
    [
      'WORKER_QUEUES',
      'Mail',
      `WORKER_QUEUES holds "Mail"; a queue is written name or name:weight, its name is ${QUEUE_RULE}.`,
    ],
    [
      'WORKER_QUEUES',
      'a,,b',
      `WORKER_QUEUES holds ""; a queue is written name or name:weight, its name is ${QUEUE_RULE}.`,
    ],
    [
      'WORKER_QUEUES',
      'a:1:2',
      `WORKER_QUEUES holds "a:1:2"; a queue is written name or name:weight, its name is ${QUEUE_RULE}.`,
    ],
    ['WORKER_KIND', 'Big images', `WORKER_KIND is "Big images"; allowed is ${QUEUE_RULE}.`],
    ['SCALE_IN_PROTECTION', 'yes', 'SCALE_IN_PROTECTION is "yes"; allowed is on or off.'],
    [
      'PROBE_RECEIVER_URL',
      'receiver:80',
      'PROBE_RECEIVER_URL is "receiver:80"; write https://host, where probes call.',
    ],
    [
      'ECS_AGENT_URI',
      '169.254.170.2',
      'ECS_AGENT_URI is "169.254.170.2"; allowed is an http:// address, as Amazon ECS sets it.',
    ],
    ...['http://mail', 'ses://', 'ses://Seoul', 'smtp://mail', 'smtp://user:hunter2@mail:25', 'smtp://mail:25/x'].map(
      (url): [string, string, string] => [
        'MAIL_URL',
        url,
        'MAIL_URL is not where mail is sent through; write ses://region or smtp://host:port.',
      ],
    ),
    ['WORKER_QUEUES', 'a:0', 'WORKER_QUEUES holds "a:0"; a weight is a whole number from 1 to 100.'],
    ['WORKER_QUEUES', 'a,b,a', 'WORKER_QUEUES names the queue "a" twice; name each queue once.'],
  ])('a worker refuses %s=%s', (name, value, mistake) => {
    const mailFrom = name === 'MAIL_URL' ? { MAIL_FROM: 'post@example.org' } : {};
    expect(mistakes('worker', { ...NEEDED, ...mailFrom, [name]: value })).toEqual([mistake]);
  });

  test('feeds are given once each, and none by default', () => {
    expect(readConfiguration('scheduler', NEEDED)).toMatchObject({ newsFeeds: [], newsSeconds: 300 });
    const given = { NEWS_FEEDS: 'https://a.test/rss?x=1,2#top, http://b.test ,http://b.test/', NEWS_SECONDS: '0' };
    expect(mistakes('scheduler', { ...NEEDED, ...given })).toEqual([
      'NEWS_FEEDS holds "2#top"; a feed is written https://host/path.',
    ]);
    const better = { ...given, NEWS_FEEDS: given.NEWS_FEEDS.replace(',2', '%2C2') };
    expect(readConfiguration('scheduler', { ...NEEDED, ...better })).toMatchObject({
      newsFeeds: ['https://a.test/rss?x=1%2C2', 'http://b.test/'],
      newsSeconds: 0,
    });
  });

  test.each([
    ['NEWS_FEEDS', 'ftp://a.test/rss', 'NEWS_FEEDS holds "ftp://a.test/rss"; a feed is written https://host/path.'],
    [
      'NEWS_FEEDS',
      'https://me:hunter2@a.test/rss',
      'NEWS_FEEDS holds user and password for a.test; feeds that need them cannot be collected.',
    ],
    ['NEWS_FEEDS', 'http://a.test/,'.repeat(51), 'NEWS_FEEDS names 51 feeds; allowed are 50.'],
    ['NEWS_SECONDS', '1.5', 'NEWS_SECONDS is "1.5"; allowed is a whole number from 0 to 86400.'],
  ])('a scheduler refuses %s=%s', (name, value, mistake) => {
    expect(mistakes('scheduler', { ...NEEDED, [name]: value })).toEqual([mistake]);
  });

  test.each(['post@example.org', 'Town library <post@example.org>', '"Library, town" <post@example.org>'])(
    'mail may come from %s',
    (from) => {
      const environment = { ...NEEDED, MAIL_URL: 'ses://ap-northeast-2', MAIL_FROM: from };
      expect(readConfiguration('worker', environment)).toMatchObject({
        mailUrl: { kind: 'ses', region: 'ap-northeast-2' },
        mailFrom: from,
      });
    },
  );

  test.each([
    'library',
    'a b@example.org',
    'a@b@c',
    'Library post@example.org',
    'a <b@c> d',
    'a,b <c@d.org>',
    '<a@b.c>',
  ])('mail may not come from %s', (from) => {
    const found = mistakes('worker', { ...NEEDED, MAIL_URL: 'smtp://127.0.0.1:1025', MAIL_FROM: from });
    expect(found).toEqual([`MAIL_FROM is ${JSON.stringify(from)}; write name@example.org or Name <name@example.org>.`]);
  });

  test('variables that say nothing alone want their companion', () => {
    expect(mistakes('worker', { ...NEEDED, MAIL_URL: 'smtp://127.0.0.1:1025' })).toEqual([
      'MAIL_FROM is not set although MAIL_URL is; set both, or neither.',
    ]);
    expect(mistakes('worker', { ...NEEDED, MAIL_FROM: 'post@example.org' })).toEqual([
      'MAIL_URL is not set although MAIL_FROM is; set both, or neither.',
    ]);
    expect(mistakes('scheduler', { ...NEEDED, METRICS_NAMESPACE: 'Holdfast' })).toEqual([
      'WORKER_KINDS is not set although METRICS_NAMESPACE is; set both, or neither.',
    ]);
  });

  test('reads where objects are kept, and where mail goes', () => {
    const objects = (url: string) => readConfiguration('worker', { ...NEEDED, OBJECTS_URL: url }).objectsUrl;
    expect(objects('s3://my-bucket')).toEqual({ kind: 'bucket', bucket: 'my-bucket', prefix: '' });
    expect(objects('s3://my-bucket/')).toEqual({ kind: 'bucket', bucket: 'my-bucket', prefix: '' });
    expect(objects('s3://my-bucket/a/b')).toEqual({ kind: 'bucket', bucket: 'my-bucket', prefix: 'a/b/' });
    const mail = { ...NEEDED, MAIL_URL: 'smtp://127.0.0.1:1025', MAIL_FROM: 'post@example.org' };
    expect(readConfiguration('worker', mail).mailUrl).toEqual({ kind: 'smtp', host: '127.0.0.1', port: 1025 });
  });

  test('reads the worker kinds with their queues, and the namespace of their metrics', () => {
    const environment = {
      ...NEEDED,
      WORKER_KINDS: 'default=default,imports; images = images',
      METRICS_NAMESPACE: 'Holdfast/shop-production',
    };
    expect(readConfiguration('scheduler', environment)).toMatchObject({
      workerKinds: [
        { name: 'default', queues: ['default', 'imports'] },
        { name: 'images', queues: ['images'] },
      ],
      metricsNamespace: 'Holdfast/shop-production',
    });
  });

  test.each([
    ...['default', 'a=', '=a', 'a=b=c', 'a=b;', 'A=b', 'a=b,,c'].map((value): [string, string, string] => [
      'WORKER_KINDS',
      value,
      `WORKER_KINDS holds ${JSON.stringify(value === 'a=b;' ? '' : value)}; a worker kind is written kind=queue,queue, each name is ${QUEUE_RULE}.`,
    ]),
    ['WORKER_KINDS', 'a=b;a=c', 'WORKER_KINDS names the worker kind "a" twice; name each kind once.'],
    [
      'WORKER_KINDS',
      'a=b,c;d=c',
      'WORKER_KINDS names the queue "c" twice; name each queue once, or its tasks count twice.',
    ],
    ...['AWS/ECS', ':a', 'a b', 'x'.repeat(256)].map((value): [string, string, string] => [
      'METRICS_NAMESPACE',
      value,
      `METRICS_NAMESPACE is ${JSON.stringify(value)}; allowed are 1 to 255 letters, digits and . - _ / # : which begin with neither AWS/ nor :.`,
    ]),
  ])('the scheduler refuses %s=%s', (name, value, mistake) => {
    expect(mistakes('scheduler', { ...NEEDED, WORKER_KINDS: 'default=default', [name]: value })).toEqual([mistake]);
  });

  describe('with passwords in variables of their own', () => {
    const SECRET = 'p@ss/w:%rd?#&+ é';
    const ADDRESSES = {
      ...NEEDED,
      DATABASE_URL: 'postgres://user@db:5432/holdfast?sslmode=verify-full',
      QUEUE_REDIS_URL: 'rediss://queue:6379',
      CACHE_REDIS_URL: 'rediss://cache:6379/2',
    };
    const PASSWORDS = { DATABASE_PASSWORD: SECRET, QUEUE_REDIS_PASSWORD: SECRET, CACHE_REDIS_PASSWORD: SECRET };

    test('puts them into the addresses, where clients find them again', () => {
      const web = readConfiguration('web', { ...ADDRESSES, ...PASSWORDS });
      const postgres = new ConnectionParameters(web.databaseUrl);
      expect(postgres).toMatchObject({ user: 'user', password: SECRET, host: 'db', port: 5432, database: 'holdfast' });
      for (const [url, host] of [
        [web.queueRedisUrl, 'queue'],
        [web.cacheRedisUrl, 'cache'],
      ]) {
        const redis = new Redis(url!, { lazyConnect: true });
        expect(redis.options).toMatchObject({ password: SECRET, host, port: 6379 });
        redis.disconnect();
      }
      expect(Object.keys(web).filter((name) => name.includes('assword'))).toEqual([]);
    });

    test('takes the same password twice, refuses two, and one without an address', () => {
      const encoded = encodeURIComponent(SECRET);
      const twice = { ...ADDRESSES, DATABASE_URL: `postgres://user:${encoded}@db/x`, DATABASE_PASSWORD: SECRET };
      expect(mistakes('migrate', twice)).toEqual([]);
      const found = mistakes('web', {
        ...ADDRESSES,
        DATABASE_URL: 'postgres://user:hunter2@db/x',
        DATABASE_PASSWORD: 'hunter3',
        QUEUE_REDIS_URL: 'rediss://:hunter2@queue:6379',
        QUEUE_REDIS_PASSWORD: 'hunter3',
        CACHE_REDIS_URL: '',
        CACHE_REDIS_PASSWORD: 'hunter3',
      });
      expect(found).toEqual([
        'DATABASE_PASSWORD is another password than the one in DATABASE_URL; set only one of them.',
        'QUEUE_REDIS_PASSWORD is another password than the one in QUEUE_REDIS_URL; set only one of them.',
        'CACHE_REDIS_PASSWORD is set without CACHE_REDIS_URL; set both, or neither.',
      ]);
    });

    test('says nothing about a password whose address is wrong', () => {
      const found = mistakes('migrate', { DATABASE_URL: 'hunter2', DATABASE_PASSWORD: 'hunter3' });
      expect(found).toEqual([`DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`]);
    });

    test('cannot put one into an address without a host', () => {
      const found = mistakes('migrate', { DATABASE_URL: 'postgres:///holdfast', DATABASE_PASSWORD: 'hunter3' });
      expect(found).toEqual(['DATABASE_PASSWORD is set although DATABASE_URL names no host; write one into it.']);
    });
  });

  test('reports all mistakes at once, and no secret', () => {
    const found = mistakes('web', {
      DATABASE_URL: 'mysql://hunter2',
      ADMIN_TOKEN: 'hunter2',
      PORT: 'x',
      HEARTBEAT_SECONDS: '9',
    });
    expect(found).toEqual(
      [
        `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`,
        `OBJECTS_URL is not set; ${OBJECTS_RULE}.`,
        'ADMIN_TOKEN has 7 characters; allowed are 16 or more, for example from: openssl rand -hex 32.',
        'PORT is "x"; allowed is a whole number from 0 to 65535.',
        'LEASE_SECONDS is 15 with HEARTBEAT_SECONDS 9; allowed is at least two heartbeats, 18.',
      ].sort((a, b) => found.indexOf(a) - found.indexOf(b)),
    );
    expect(found.join()).not.toContain('hunter2');
  });
});
