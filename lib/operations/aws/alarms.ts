import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { alarmName } from '../../config';
import type { StageName } from '../../config';
import type { AwsClients } from './clients';

/** The stage's alarms that tell people, by name: those of scaling policies, which sound as a matter of course, are left out. */
export async function alarmsOf(aws: AwsClients, stage: StageName): Promise<MetricAlarm[]> {
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
    .filter(({ AlarmActions = [] }) => AlarmActions.some((action) => action.includes(':sns:')))
    .sort((a, b) => (a.AlarmName ?? '').localeCompare(b.AlarmName ?? ''));
}

/** The end of an alarm's name, by which docs/operations.md lists it: `web-5xx`. */
export function alarmShortName({ AlarmName = '' }: MetricAlarm, stage: StageName): string {
  return AlarmName.slice(alarmName(stage, '').length);
}
