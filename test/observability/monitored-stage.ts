import { rmSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import reference from '../../holdfast.config';
import { connectionBudget, drainBudget, resolveStage } from '../../lib/config';
import type { Configuration, StageConfiguration } from '../../lib/config';
import { watchStage } from '../../lib/deployment-stage';
import { StatefulStack } from '../../lib/stateful/stateful-stack';
import { StatelessStack } from '../../lib/stateless/stateless-stack';

/** An alarm as it stands in a template. */
export interface AlarmProperties {
  readonly AlarmName: string;
  readonly AlarmDescription?: string;
  readonly AlarmActions?: readonly unknown[];
  readonly OKActions?: readonly unknown[];
  readonly TreatMissingData?: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly Period?: number;
  readonly MetricName?: string;
  readonly Namespace?: string;
  readonly ExtendedStatistic?: string;
  readonly EvaluateLowSampleCountPercentile?: string;
  readonly ComparisonOperator: string;
  readonly Metrics?: readonly { readonly Expression?: string; readonly MetricStat?: { readonly Metric: unknown } }[];
}

export interface MonitoredStage {
  readonly configuration: StageConfiguration;
  readonly app: App;
  readonly stateful: Template;
  readonly stateless: Template;
  /** Of both stacks, by the end of their names. */
  readonly alarms: ReadonlyMap<string, AlarmProperties>;
  /** Those that tell the topic. */
  readonly telling: ReadonlyMap<string, AlarmProperties>;
}

/** The reference configuration with something changed in the stage. */
export function changed(stage: 'dev' | 'production', overrides: object, common: object = {}): Configuration {
  const before = reference.stages[stage];
  return { ...reference, ...common, stages: { [stage]: { ...before, ...overrides } } };
}

/** Both stacks with everything that watches them. */
export function monitoredStage(stage: string, configuration: Configuration = reference): MonitoredStage {
  // Neither the image nor the Lambda functions matter here; building and hashing them takes most of a synth.
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  process.once('exit', () => rmSync(app.outdir, { recursive: true, force: true }));
  const loaded = resolveStage({ ...configuration, image: { reference: 'app:1' } }, stage);
  const common = { configuration: loaded, env: { region: loaded.region } };
  const stateful = new StatefulStack(app, 'Stateful', {
    ...common,
    maxConnections: connectionBudget(loaded).maxConnections,
  });
  const stateless = new StatelessStack(app, 'Stateless', { ...common, drainBudget: drainBudget(loaded).budget });
  stateless.addStackDependency(stateful);

  watchStage({ stateful, stateless }, loaded);
  const templates = { stateful: Template.fromStack(stateful), stateless: Template.fromStack(stateless) };
  const prefix = `${loaded.name}-${stage}-`;
  const all = Object.values(templates).flatMap((template) =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties as AlarmProperties,
    ),
  );
  const alarms = new Map(all.map((alarm) => [alarm.AlarmName.replace(prefix, ''), alarm]));
  if (alarms.size !== all.length) throw new Error('two alarms have the same name');
  return {
    configuration: loaded,
    app,
    ...templates,
    alarms,
    telling: new Map([...alarms].filter(([name]) => !/-(scale-out|wake)$/.test(name))),
  };
}

/** How many metrics an alarm reads, which is what it costs. */
export function metricsRead({ Metrics }: AlarmProperties): number {
  return Metrics === undefined ? 1 : Metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
}
