import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { StageConfiguration } from '../config';
import { alarmName } from './stage-alarms';

/**
 * Lets the stage's alarms and event rules publish to the topic. Called on the side that owns the topic: a rule or alarm
 * in another stack sees an imported topic, whose policy it cannot change.
 *
 * The topic must not be encrypted with the key `alias/aws/sns`, to which CloudWatch has no access.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
 */
export function allowAlarmsToPublish(topic: sns.ITopic, configuration: StageConfiguration): void {
  const stack = Stack.of(topic);
  const arnOf = (service: string, resource: string, arnFormat: ArnFormat): string =>
    stack.formatArn({ service, resource, resourceName: `${alarmName(configuration, '')}*`, arnFormat });
  const senders = [
    { service: 'cloudwatch', sources: arnOf('cloudwatch', 'alarm', ArnFormat.COLON_RESOURCE_NAME) },
    { service: 'events', sources: arnOf('events', 'rule', ArnFormat.SLASH_RESOURCE_NAME) },
  ];
  for (const { service, sources } of senders) {
    topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: service === 'events' ? 'EventsOfThisStage' : 'AlarmsOfThisStage',
        actions: ['sns:Publish'],
        principals: [new iam.ServicePrincipal(`${service}.amazonaws.com`)],
        resources: [topic.topicArn],
        // The ARN holds the account: nobody else's alarm can make ours publish.
        conditions: { ArnLike: { 'aws:SourceArn': sources } },
      }),
    );
  }
}
