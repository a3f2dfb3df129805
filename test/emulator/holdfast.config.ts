import { defineConfiguration } from '../../lib/config';

/** What is deployed one after another: the environment variable EMULATED_VERSION says which. */
export type Version = 'first' | 'next' | 'broken' | 'failing-migration';
const version = (process.env.EMULATED_VERSION ?? 'first') as Version;

const image = {
  directory: '.',
  dockerfile: 'app/Dockerfile',
  // An argument that the Dockerfile does not know changes the image's name and nothing in it. Of the broken version only
  // the command of web is new.
  buildArguments: { VERSION: version === 'broken' ? 'next' : version },
};

/** The stage that `npm run test:deploy` deploys to the emulated AWS: the reference app, as small as stage dev. */
export default defineConfiguration({
  name: 'emulated',
  image,
  // Short, because a rollout waits for it.
  web: {
    command: version === 'broken' ? ['node', 'dist/missing.js'] : ['node', 'dist/web.js'],
    scaling: { min: 2, max: 2 },
    requestSeconds: 10,
    deregistrationSeconds: 5,
  },
  workers: {
    default: {
      command: ['node', 'dist/worker.js'],
      queues: [
        { name: 'default', weight: 2 },
        { name: 'imports' },
        { name: 'reminders' },
        { name: 'images' },
        { name: 'collect' },
        { name: 'probes' },
      ],
      handlerSeconds: 60,
      scaling: { min: 2, max: 3 },
    },
  },
  scheduler: { command: ['node', 'dist/scheduler.js'] },
  migration: {
    command: version === 'failing-migration' ? ['node', '-e', 'process.exit(7)'] : ['node', 'dist/migrate.js'],
  },
  mail: { from: 'library@example.org' },
  tls: { httpOnly: { reason: 'Nobody but the test reaches the emulated load balancer.' } },
  acknowledge: {
    'holdfast:alarms-reach-nobody': 'Nobody operates the emulated stage.',
    'holdfast:price-unknown': 'Nothing of the emulated stage is paid for.',
    'holdfast:shared-cache': 'The replica is there to be failed over to.',
  },
  stages: {
    test: {
      like: 'dev',
      region: 'us-east-1',
      probes: true,
      // The image is built for the machine that runs it.
      fleet: { instanceType: process.arch === 'arm64' ? 't4g.medium' : 't3.medium', min: 2 },
      // The versions whose images the tests have; the rest of the defaults is that of stage dev.
      // A standby and a replica, for drills to fail over to.
      database: { instanceClass: 't4g.small', engineVersion: '16.9', multiAz: true },
      redis: { queue: { engineVersion: '8.1', replicas: 1 } },
    },
  },
});
