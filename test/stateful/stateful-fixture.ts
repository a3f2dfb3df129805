import { rmSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { defineConfiguration, resolveStage } from '../../lib/config';
import type { StageConfiguration, StageOverrides } from '../../lib/config';
import { StatefulStack } from '../../lib/stateful/stateful-stack';

/** An account and a region that nobody asks: a synth must do without credentials. */
export const env = { account: '123456789012', region: 'eu-central-1' };

export const existing = {
  network: {
    existing: {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      publicSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      privateSubnetIds: ['subnet-0123456789abcdef2', 'subnet-0123456789abcdef3'],
    },
  },
  database: {
    existing: {
      host: 'database.example.org',
      name: 'library',
      user: 'librarian',
      secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:database-AbCdEf',
      securityGroupId: 'sg-0123456789abcdef0',
      maxConnections: 200,
    },
  },
  redis: {
    existing: {
      host: 'redis.example.org',
      port: 6380,
      secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:redis-AbCdEf',
      field: 'token',
      securityGroupId: 'sg-0123456789abcdef1',
    },
  },
};

export function configurationOf(stage: 'dev' | 'production', overrides: StageOverrides = {}): StageConfiguration {
  const configuration = defineConfiguration({
    name: 'library',
    image: { reference: 'nginx:1.29-alpine' },
    web: { command: ['serve'] },
    workers: {},
    tls: { httpOnly: { reason: 'nobody sees this stage' } },
    stages: { [stage]: { region: env.region, ...overrides } },
  });
  return resolveStage(configuration, stage);
}

export interface Synthesized {
  readonly app: App;
  readonly stack: StatefulStack;
  readonly template: Template;
  readonly configuration: StageConfiguration;
}

const synthesized = new Map<string, Synthesized>();

/** The kept stack; the same one for the same arguments, because a synth validates its template for a second. */
export function synthesize(
  stage: 'dev' | 'production',
  overrides: StageOverrides = {},
  maxConnections = 112,
): Synthesized {
  const key = JSON.stringify([stage, overrides, maxConnections]);
  const known = synthesized.get(key);
  if (known !== undefined) return known;
  const app = newApp();
  const configuration = configurationOf(stage, overrides);
  const stack = new StatefulStack(app, 'Stateful', { configuration, maxConnections, env });
  const made = { app, stack, template: Template.fromStack(stack), configuration };
  synthesized.set(key, made);
  return made;
}

const folders: string[] = [];
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Its folder is removed at exit. */
export function newApp(): App {
  const app = new App();
  folders.push(app.outdir);
  return app;
}

export function newStack(): Stack {
  return new Stack(newApp(), 'Stack', { env });
}

/** The properties of all resources of a type. */
export function propertiesOf(template: Template, type: string): Record<string, unknown>[] {
  return Object.values(template.findResources(type)).map(
    (resource) => (resource as { Properties: Record<string, unknown> }).Properties,
  );
}
