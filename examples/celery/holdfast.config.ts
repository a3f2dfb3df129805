import { defineConfiguration } from '../../lib/config';

/**
 * A Django or Flask app with Celery on the deployment's Redis. The image is built from examples/celery; put your own
 * folder there. `npx cdk synth -c stage=dev -c config=examples/celery/holdfast.config.ts`
 */
export default defineConfiguration({
  name: 'celery-app',
  taskEngine: 'celery',
  image: { directory: 'examples/celery' },
  web: {
    command: ['gunicorn', '--bind', '0.0.0.0:8000', '--workers', '2', '--graceful-timeout', '10', 'web:application'],
    port: 8000,
    healthPath: '/healthz',
    // The load balancer waits these 30 s before SIGTERM; what is left then has DRAIN_SECONDS, 10 by default.
    requestSeconds: 30,
    // Two processes, each with one connection.
    databaseConnections: 2,
  },
  workers: {
    default: {
      command: ['celery', '--app', 'tasks', 'worker', '--concurrency', '2', '--queues', 'celery'],
      environment: { REMAP_SIGTERM: 'SIGQUIT' },
      queues: [{ name: 'celery' }],
      concurrency: 2,
      // The longest task; the soft shutdown (DRAIN_SECONDS, in celeryconfig.py) is longer by the default margin.
      handlerSeconds: 300,
      onDrain: 'finish',
      databaseConnections: 2,
    },
  },
  scheduler: {
    command: ['celery', '--app', 'tasks', 'beat', '--schedule', '/tmp/beat', '--pidfile='],
    databaseConnections: 0,
  },
  celery: { visibilityTimeoutSeconds: 900 },
  tls: { httpOnly: { reason: 'An example without a domain of its own.' } },
  acknowledge: {
    'holdfast:alarms-reach-nobody': 'An example that nobody operates; name your address in alarms.emails.',
  },
  stages: { dev: { region: 'us-east-1' }, production: { region: 'us-east-1' } },
});
