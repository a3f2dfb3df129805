import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { alarmName } from '../../config';
import type { StageName } from '../../config';
import type { OperationsContext } from '../context';

/**
 * The alarms that tell people by the stage's own topic, by name: those of another stage whose name begins alike are left
 * out, as are those of scaling policies, which sound as a matter of course.
 */
export async function alarmsOf(context: OperationsContext): Promise<MetricAlarm[]> {
  const aws = await context.aws();
  const stage = await context.configuration();
  const topic = await topicOf(context);
  if (topic === undefined) return [];
  const alarms: MetricAlarm[] = [];
  let token: string | undefined;
  do {
    const answer = await aws.cloudWatch.send(
      new DescribeAlarmsCommand({
        AlarmNamePrefix: alarmName(stage, ''),
        AlarmTypes: ['MetricAlarm'],
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    alarms.push(...(answer.MetricAlarms ?? []));
    token = answer.NextToken;
  } while (token !== undefined);
  return alarms
    .filter(({ AlarmActions = [] }) => AlarmActions.includes(topic))
    .sort((a, b) => (a.AlarmName ?? '').localeCompare(b.AlarmName ?? ''));
}

/** ARN of the stage's own topic. */
export async function topicOf(context: OperationsContext): Promise<string | undefined> {
  return (await context.deployed()).published('alarms', 'topic-arn');
}

/** The end of an alarm's name, by which docs/operations.md lists it: `web-5xx`. */
export function alarmShortName({ AlarmName = '' }: MetricAlarm, stage: StageName): string {
  return AlarmName.slice(alarmName(stage, '').length);
}
