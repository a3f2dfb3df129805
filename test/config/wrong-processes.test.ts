import { mistakesOf, shopWith } from './shop';

test.each<[string, object, readonly string[]]>([
  [
    'more workers at least than at most',
    { workers: { default: { scaling: { min: 5 } } } },
    ['workers.default.scaling.min is 5 with max 2; allowed is at most 2: lower min, or raise max.'],
  ],
  [
    'more web containers at least than at most',
    { stages: { production: { web: { scaling: { min: 3 } } } } },
    ['stages.production.web.scaling.min is 3 with max 2; allowed is at most 2: lower min, or raise max.'],
  ],
  [
    'a queue in two kinds',
    { workers: { mail: { command: ['mail'], queues: [{ name: 'default' }] } } },
    [
      'workers.mail.queues.0.name is "default", which workers.default has too; allowed is one kind for a queue, because each scales on its own backlog: remove it from one.',
    ],
  ],
  [
    'a queue twice',
    { workers: { default: { queues: [{ name: 'default' }, { name: 'default' }] } } },
    ['workers.default.queues.1.name is "default", which the kind has already; allowed is a queue once: remove it.'],
  ],
  [
    "a worker kind with web's name",
    { workers: { web: { command: ['mail'], queues: [{ name: 'mail' }] } } },
    [
      'workers.web has the name of another process; allowed is any other name than web, scheduler, migration: rename it.',
    ],
  ],
  [
    'the port of the metrics server',
    { web: { port: 9464 } },
    ['web.port is 9464, where the metrics server listens; allowed is a port of its own in the task: change it.'],
  ],
  [
    "a sidecar on web's port",
    { web: { sidecars: { proxy: { image: { directory: 'app' }, port: 8080 } } } },
    ['web.sidecars.proxy.port is 8080, where web listens; allowed is a port of its own in the task: change it.'],
  ],
  [
    "a sidecar with web's name",
    { web: { sidecars: { web: { image: { directory: 'app' } } } } },
    ['web.sidecars.web has the name of a container of the task; allowed is any other name: rename it.'],
  ],
  [
    "a sidecar with a worker container's name",
    { workers: { default: { sidecars: { 'worker-default': { image: { directory: 'app' } } } } } },
    [
      'workers.default.sidecars.worker-default has the name of a container of the task; allowed is any other name: rename it.',
    ],
  ],
  [
    'a sidecar with the name of the container that measures Celery',
    { taskEngine: 'celery', scheduler: { sidecars: { 'celery-metrics': { image: { directory: 'app' } } } } },
    [
      'scheduler.sidecars.celery-metrics has the name of a container of the task; allowed is any other name: rename it.',
    ],
  ],
  [
    'an environment name of the deployment',
    { web: { environment: { DATABASE_URL: 'postgres://' } } },
    ['web.environment.DATABASE_URL is set by the deployment; allowed are other names: set database.'],
  ],
  [
    'a secret under a name of the deployment',
    {
      workers: {
        default: {
          secrets: { DRAIN_SECONDS: { arn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef' } },
        },
      },
    },
    [
      "workers.default.secrets.DRAIN_SECONDS is set by the deployment; allowed are other names: set the process's drainSeconds.",
    ],
  ],
  [
    'a name in environment and secrets',
    {
      web: {
        environment: { API_KEY: 'x' },
        secrets: { API_KEY: { arn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef' } },
      },
    },
    ['web.secrets.API_KEY stands in environment too; allowed is one of them: remove the other.'],
  ],
  [
    'probes with Celery',
    { taskEngine: 'celery', probes: true },
    ["probes is true with taskEngine 'celery'; allowed is only with 'holdfast': remove it."],
  ],
  [
    'a health path that depends on the database',
    { web: { healthPath: '/readyz' } },
    [
      'web.healthPath is "/readyz", which fails while the database is away; allowed is a path that does not: use "/healthz", or all containers are replaced then.',
    ],
  ],
  [
    'a scaling metric where the backlog decides',
    { workers: { default: { scaling: { metric: { namespace: 'Shop', name: 'Waiting', target: 10 } } } } },
    [
      "workers.default.scaling.metric is given with taskEngine 'holdfast', which scales on its backlog; allowed is a metric only with 'custom': remove it, or set backlogPerWorker.",
    ],
  ],
  [
    'a Spot worker without Spot instances',
    { workers: { default: { spot: true } } },
    [
      'workers.default.spot is true without fleet.spot; allowed is spot only where the fleet has such instances: add fleet.spot, or set spot false.',
    ],
  ],
  [
    'a drain below the limit of the handlers',
    { workers: { default: { handlerSeconds: 120, drainSeconds: 60 } } },
    [
      "workers.default.drainSeconds is 60 with handlerSeconds 120 and onDrain 'finish'; allowed is at least 121: raise it, or set onDrain 'give-back'.",
    ],
  ],
  [
    'a stop time-out below the drain',
    { workers: { default: { stopTimeoutSeconds: 60 } } },
    [
      'workers.default.stopTimeoutSeconds is 60 with drainSeconds 70; allowed is at least 75: raise it, or lower drainSeconds.',
    ],
  ],
  [
    'handlers that outlast a deployment',
    { taskEngine: 'custom', workers: { default: { handlerSeconds: 8000 } } },
    [
      "workers.default.handlerSeconds is 8000, so the container would need 8020 s to stop; allowed is at most 7180: split the work, or set onDrain 'give-back'.",
    ],
  ],
  [
    'a drain that outlasts a deployment',
    { taskEngine: 'custom', scheduler: { drainSeconds: 7200 } },
    ['scheduler.drainSeconds is 7200, so the container would need 7210 s to stop; allowed is at most 7190: lower it.'],
  ],
  [
    'a drain that the app does not take',
    { workers: { default: { handlerSeconds: 3600 } } },
    [
      "workers.default.handlerSeconds is 3600, so the process would drain for 3610 s; allowed is at most 3590: split the work, or set onDrain 'give-back'.",
    ],
  ],
  [
    'handlers that outlast the notice of Spot',
    {
      workers: { default: { handlerSeconds: 300, spot: true } },
      fleet: { spot: { instanceTypes: ['t4g.medium'], max: 3 } },
    },
    [
      "workers.default.spot is true with a stop time-out of 320 s; allowed is at most 110: set onDrain 'give-back', or lower handlerSeconds to 90.",
    ],
  ],
  [
    'a drain that outlasts the notice of Spot',
    {
      workers: { default: { onDrain: 'give-back', drainSeconds: 110, spot: true } },
      fleet: { spot: { instanceTypes: ['t4g.medium'], max: 3 } },
    },
    ['workers.default.spot is true with a stop time-out of 120 s; allowed is at most 110: lower drainSeconds to 100.'],
  ],
  [
    'requests longer than the load balancer waits',
    { web: { requestSeconds: 60, deregistrationSeconds: 20, drainSeconds: 10 } },
    [
      'web.deregistrationSeconds is 20 with requestSeconds 60 and drainSeconds 10; allowed is at least 50: raise it, or lower requestSeconds.',
    ],
  ],
  [
    'a visibility time-out below the handlers',
    { taskEngine: 'celery', celery: { visibilityTimeoutSeconds: 60 } },
    [
      'celery.visibilityTimeoutSeconds is 60 with handlerSeconds 60 and drainSeconds 70 of workers.default; allowed is at least 71: raise it.',
    ],
  ],
  [
    'a lease below two heartbeats',
    { workers: { default: { environment: { LEASE_SECONDS: '8' } } } },
    [
      'workers.default.environment.LEASE_SECONDS is 8 with HEARTBEAT_SECONDS 5; allowed is at least two heartbeats: raise it, or lower HEARTBEAT_SECONDS.',
    ],
  ],
  [
    'fewer connections than the task engine opens',
    { workers: { default: { databaseConnections: 10 } } },
    [
      'workers.default.databaseConnections is 10; allowed is 11 to 207: the pool needs 4 to 200, and the task engine opens 7 beside it.',
    ],
  ],
])('refuses %s', (_what, change, mistakes) => {
  expect(mistakesOf(shopWith(change))).toEqual(mistakes);
});

test.each([
  ['the name of its worker kind', { workers: { default: { sidecars: { default: { image: { directory: 'app' } } } } } }],
  [
    'the name of a container of another task',
    { web: { sidecars: { 'celery-metrics': { image: { directory: 'app' } } } } },
  ],
])('accepts a sidecar with %s', (_what, change) => {
  expect(mistakesOf(shopWith(change))).toEqual([]);
});
