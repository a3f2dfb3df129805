import { defineConfiguration } from './lib/config';

/**
 * What is deployed: edit this file, then `npx cdk deploy --all -c stage=production`, with `--no-rollback` for the first
 * deploy of a stage (docs/deploy.md says why). Every key is described where your editor shows it and in
 * docs/configuration.md; what is left out has a default. docs/bring-your-own-app.md replaces the app step by step.
 */
export default defineConfiguration({
  name: 'holdfast',
  image: { directory: '.', dockerfile: 'app/Dockerfile' },
  web: { command: ['node', 'dist/web.js'] },
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
      handlerSeconds: 900,
    },
  },
  scheduler: { command: ['node', 'dist/scheduler.js'] },
  migration: { command: ['node', 'dist/migrate.js'] },
  tls: {
    httpOnly: { reason: 'The reference app has no domain; set tls.domain or tls.certificateArn before users come.' },
  },
  acknowledge: {
    'holdfast:alarms-reach-nobody': 'The reference app has no operators; name your own address in alarms.emails.',
  },
  stages: {
    dev: {
      region: 'us-east-1',
      probes: true,
      // A rollout of all processes fits on the one instance. Under load web takes up to 133 MiB, a worker up to 165.
      web: { memoryMiB: 320 },
      workers: { default: { memoryMiB: 320 } },
      budgetUsdPerMonth: 75,
    },
    production: {
      region: 'us-east-1',
      web: { scaling: { min: 2, max: 4 } },
      workers: { default: { scaling: { min: 2, max: 4 } } },
      budgetUsdPerMonth: 215,
    },
  },
});
