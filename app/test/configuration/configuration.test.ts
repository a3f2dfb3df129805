import { ConfigurationError, readConfiguration } from '../../src/configuration/configuration';
import type { ProcessKind } from '../../src/configuration/configuration';

const NEEDED = { DATABASE_URL: 'postgres://user:hunter2@db:5432/holdfast', OBJECTS_URL: 'file:///srv/objects' };
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
      objectsFolder: '/srv/objects',
      adminToken: undefined,
      probes: false,
    });
    expect(readConfiguration('worker', NEEDED)).toMatchObject({
      workerConcurrency: 10,
      workerQueues: [
        { name: 'default', weight: 1 },
        { name: 'imports', weight: 1 },
        { name: 'probes', weight: 1 },
      ],
    });
  });

  test('reads what is set; empty is unset; blanks around a value do not count', () => {
    const environment = {
      ...NEEDED,
      PORT: ' 0 ',
      LOG_LEVEL: '',
      PROBES: 'on',
      QUEUE_REDIS_URL: 'rediss://:secret@cache:6380/2',
    };
    expect(readConfiguration('web', environment)).toMatchObject({
      port: 0,
      logLevel: 'info',
      probes: true,
      queueRedisUrl: 'rediss://:secret@cache:6380/2',
    });
    expect(readConfiguration('worker', { ...NEEDED, WORKER_QUEUES: 'mail:5, default' }).workerQueues).toEqual([
      { name: 'mail', weight: 5 },
      { name: 'default', weight: 1 },
    ]);
  });

  test('asks each kind of process only for what it reads', () => {
    const { DATABASE_URL } = NEEDED;
    expect(mistakes('migrate', { DATABASE_URL, PORT: 'x', OBJECTS_URL: 'x' })).toEqual([]);
    expect(mistakes('scheduler', { DATABASE_URL, PORT: 'x' })).toEqual([]);
    expect(mistakes('worker', { DATABASE_URL })).toEqual(['OBJECTS_URL is not set; write file:///absolute/folder.']);
  });

  test.each([
    ['DATABASE_URL', '', `DATABASE_URL is not set; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'mysql://user:hunter2@db/x', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'postgres://db', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['DATABASE_URL', 'hunter2', `DATABASE_URL is not a PostgreSQL address; ${DATABASE_RULE}`],
    ['QUEUE_REDIS_URL', 'http://hunter2', `QUEUE_REDIS_URL is not a Redis address; ${REDIS_RULE}`],
    ['QUEUE_REDIS_URL', 'redis:hunter2', `QUEUE_REDIS_URL is not a Redis address; ${REDIS_RULE}`],
    ['OBJECTS_URL', '/srv/objects', 'OBJECTS_URL is not the address of a folder; write file:///absolute/folder.'],
    [
      'OBJECTS_URL',
      'file://host/objects',
      'OBJECTS_URL is not the address of a folder; write file:///absolute/folder.',
    ],
    [
      'OBJECTS_URL',
      's3://bucket/x',
      'OBJECTS_URL names an S3 bucket, which this version cannot use yet; write file:///absolute/folder.',
    ],
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
    ['WORKER_QUEUES', 'a:0', 'WORKER_QUEUES holds "a:0"; a weight is a whole number from 1 to 100.'],
    ['WORKER_QUEUES', 'a,b,a', 'WORKER_QUEUES names the queue "a" twice; name each queue once.'],
  ])('a worker refuses %s=%s', (name, value, mistake) => {
    expect(mistakes('worker', { ...NEEDED, [name]: value })).toEqual([mistake]);
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
        'OBJECTS_URL is not set; write file:///absolute/folder.',
        'ADMIN_TOKEN has 7 characters; allowed are 16 or more, for example from: openssl rand -hex 32.',
        'PORT is "x"; allowed is a whole number from 0 to 65535.',
        'LEASE_SECONDS is 15 with HEARTBEAT_SECONDS 9; allowed is at least two heartbeats, 18.',
      ].sort((a, b) => found.indexOf(a) - found.indexOf(b)),
    );
    expect(found.join()).not.toContain('hunter2');
  });
});
