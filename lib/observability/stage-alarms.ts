import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarmName } from '../config';
import type { StageConfiguration } from '../config';

export interface StageAlarmProps {
  /** What is wrong, as the end of the alarm's name: `web-5xx`. */
  readonly what: string;
  readonly metric: cloudwatch.IMetric;
  readonly comparison: 'at least' | 'more than' | 'less than';
  readonly threshold: number;
  /** Periods of the metric that must breach, one after another. */
  readonly periods: number;
  /**
   * What no data means. `breaching`: silence is what the alarm is for. `notBreaching`: no data is no trouble, such as
   * no errors. `ignore`: silence has an alarm of its own, the state stays. `missing`: the source is being replaced.
   */
  readonly noData: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  /** For percentiles: what too few samples for one mean. @default - they are evaluated */
  readonly fewSamples?: 'ignore';
  /** One or two sentences: what the alarm means. */
  readonly meaning: string;
  /** One or two sentences: what to do first. */
  readonly firstStep: string;
}

const COMPARISONS = {
  'at least': cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  'more than': cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
  'less than': cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
} as const;

const NO_DATA = {
  breaching: cloudwatch.TreatMissingData.BREACHING,
  notBreaching: cloudwatch.TreatMissingData.NOT_BREACHING,
  ignore: cloudwatch.TreatMissingData.IGNORE,
  missing: cloudwatch.TreatMissingData.MISSING,
} as const;

/** Makes the alarms of a stage alike: named, described, and told to the topic when they begin and when they end. */
export class StageAlarms {
  /** Those made so far. */
  readonly alarms: cloudwatch.Alarm[] = [];

  constructor(
    private readonly scope: Construct,
    private readonly configuration: StageConfiguration,
    private readonly topic: sns.ITopic,
  ) {}

  add(props: StageAlarmProps): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this.scope, props.what, {
      alarmName: alarmName(this.configuration, props.what),
      alarmDescription: `${props.meaning} First step: ${props.firstStep}`,
      metric: props.metric,
      comparisonOperator: COMPARISONS[props.comparison],
      threshold: props.threshold,
      evaluationPeriods: props.periods,
      datapointsToAlarm: props.periods,
      treatMissingData: NO_DATA[props.noData],
      ...(props.fewSamples === undefined ? {} : { evaluateLowSampleCountPercentile: props.fewSamples }),
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
    return alarm;
  }
}
