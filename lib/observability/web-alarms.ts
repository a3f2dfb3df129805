import { Duration } from 'aws-cdk-lib';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { StageConfiguration } from '../config';
import { ROLLBACK_ALARMS } from './deployment-alarms';
import type { ServiceAlarmsProps } from './service-alarms';
import type { StageAlarms } from './stage-alarms';

const MINUTE = Duration.minutes(1);

/** One failed request in a thousand, of what the fewest containers take before they scale out; at least five. */
const FAILED_SHARE = 0.001;
const LEAST_FAILED = 5;

/** Failed requests a minute from which on it is not chance. */
export function failedPerMinute({ web: { scaling } }: StageConfiguration): number {
  return Math.max(LEAST_FAILED, Math.ceil(FAILED_SHARE * scaling.requestsPerMinute * scaling.min));
}

export function addWebAlarms(alarms: StageAlarms, { configuration, web }: ServiceAlarmsProps): void {
  const { loadBalancer, targetGroup } = web;
  const failed = failedPerMinute(configuration);
  const errors = { comparison: 'at least', threshold: failed, periods: 2, noData: 'notBreaching' } as const;
  alarms.add({
    ...errors,
    what: ROLLBACK_ALARMS.errors,
    metric: targetGroup.metrics.httpCodeTarget(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, { period: MINUTE }),
    meaning: `The web containers answered at least ${failed} requests a minute with a server error (5xx) for 2 minutes. A deployment that is under way is rolled back.`,
    firstStep:
      'read the errors in the log group of web. If it began with a deployment that is over, deploy the version before it.',
  });
  alarms.add({
    what: ROLLBACK_ALARMS.unhealthy,
    metric: targetGroup.metrics.unhealthyHostCount({ period: MINUTE, statistic: 'Maximum' }),
    comparison: 'at least',
    threshold: 1,
    periods: 3,
    noData: 'notBreaching',
    meaning: `A web container has failed its health check (${configuration.web.healthPath}) for 3 minutes and gets no requests. A deployment that is under way is rolled back.`,
    firstStep: 'see which target it is in the target group, and what its container says in the log group of web.',
  });
  alarms.add({
    ...errors,
    what: 'load-balancer-5xx',
    metric: loadBalancer.metrics.httpCodeElb(elbv2.HttpCodeElb.ELB_5XX_COUNT, { period: MINUTE }),
    meaning: `The load balancer itself answered at least ${failed} requests a minute with an error (5xx) for 2 minutes: no container took them, or a connection broke.`,
    firstStep: 'see in the events of the web service whether its containers run and are healthy.',
  });
  if (configuration.alarms.set === 'essential') return;
  const { latencySeconds } = configuration.alarms;
  alarms.add({
    what: 'web-latency',
    metric: targetGroup.metrics.targetResponseTime({ period: MINUTE, statistic: 'p95' }),
    comparison: 'more than',
    threshold: latencySeconds,
    periods: 5,
    noData: 'notBreaching',
    // At night one slow request is one in twenty.
    fewSamples: 'ignore',
    meaning: `For 5 minutes one request in twenty took longer than ${latencySeconds} s (p95 of the time to the first byte).`,
    firstStep: 'look on the dashboard what rose with it: CPU of the containers, CPU of the database, or requests.',
  });
}
