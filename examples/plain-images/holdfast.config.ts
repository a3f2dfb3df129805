import { defineConfiguration } from '../../lib/config';

/**
 * The smallest deployment of something else: nginx as web, a shell loop as worker, both as they come from a public
 * registry. `npx cdk synth -c stage=dev -c config=examples/plain-images/holdfast.config.ts`
 */
export default defineConfiguration({
  name: 'plain',
  taskEngine: 'custom',
  // nginx that runs without root and writes to /tmp only, so that the defaults for user and file system hold.
  image: { reference: 'public.ecr.aws/nginx/nginx-unprivileged:1.29-alpine' },
  web: { port: 8080, healthPath: '/', memoryMiB: 64, databaseConnections: 0 },
  workers: {
    loop: {
      image: { reference: 'public.ecr.aws/docker/library/alpine:3.22' },
      // A shell ignores SIGTERM while a command runs: the sleep goes to the background, and `wait` can be interrupted.
      command: ['sh', '-c', 'trap "exit 0" TERM; while true; do date; sleep 10 & wait $!; done'],
      queues: [{ name: 'default' }],
      handlerSeconds: 15,
      memoryMiB: 32,
      databaseConnections: 0,
    },
  },
  tls: { httpOnly: { reason: 'An example without a domain of its own.' } },
  acknowledge: {
    'holdfast:alarms-reach-nobody': 'An example that nobody operates; name your address in alarms.emails.',
    'holdfast:image-architecture': 'Both images are published for arm64 and amd64.',
  },
  stages: { dev: { region: 'us-east-1' }, production: { region: 'us-east-1' } },
});
