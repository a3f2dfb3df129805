import { App, CfnOutput } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { drainBudget, resolveStage } from '../../lib/config';
import type { Configuration, StageConfiguration } from '../../lib/config';
import { StatelessStack } from '../../lib/stateless/stateless-stack';

/** A complete app from an image of a registry: nothing is built. */
export const APP: Configuration = {
  name: 'library',
  image: { reference: 'public.ecr.aws/example/library:1' },
  web: { command: ['node', 'dist/web.js'], scaling: { max: 4 } },
  workers: {
    default: {
      command: ['node', 'dist/worker.js'],
      queues: [{ name: 'default', weight: 2 }, { name: 'imports' }],
      scaling: { max: 4 },
    },
  },
  scheduler: { command: ['node', 'dist/scheduler.js'] },
  migration: { command: ['node', 'dist/migrate.js'] },
  tls: { httpOnly: { reason: 'a test has no domain of its own' } },
  stages: { dev: { region: 'us-east-1' }, production: { region: 'us-east-1' } },
};

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly UpdatePolicy?: unknown;
  readonly DeletionPolicy?: string;
}

export interface Synthesized {
  readonly app: App;
  readonly stack: StatelessStack;
  readonly configuration: StageConfiguration;
  readonly template: Template;
  /** The resources of a type by their logical ids. */
  readonly resources: (type: string) => Readonly<Record<string, Resource>>;
}

/** The stack of a stage. */
export function synthesize(overrides: Partial<Configuration> = {}, stage = 'production'): Synthesized {
  const configuration = resolveStage({ ...APP, ...overrides }, stage);
  const app = new App();
  const stack = new StatelessStack(app, 'Stateless', {
    stackName: `${configuration.name}-${configuration.stage}-stateless`,
    env: { region: configuration.region },
    configuration,
    drainBudget: drainBudget(configuration).budget,
  });
  // Stands for the alarms, which are composed beside this stack and use its topic.
  new CfnOutput(stack, 'AlarmTopic', { value: stack.services.alarmTopic.topicArn });
  const template = Template.fromStack(stack);
  return {
    app,
    stack,
    configuration,
    template,
    resources: (type) => template.findResources(type) as Readonly<Record<string, Resource>>,
  };
}

export { Match };
