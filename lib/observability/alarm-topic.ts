import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { alarmName } from '../config';
import type { StageConfiguration } from '../config';

/**
 * Lets the stage's event rules publish to the topic, besides the alarms that its own policy lets in. Called on the side
 * that owns the topic: a rule in another stack sees an imported one, whose policy it cannot change.
 *
 * The topic must not be encrypted with the key `alias/aws/sns`, to which neither EventBridge nor CloudWatch has access.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
 */
export function allowEventsToPublish(topic: sns.Topic, configuration: StageConfiguration): void {
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'EventsOfThisStage',
      actions: ['sns:Publish'],
      principals: [new iam.ServicePrincipal('events.amazonaws.com')],
      resources: [topic.topicArn],
      // The ARN holds the account: nobody else's rule can publish here.
      conditions: {
        ArnLike: {
          'aws:SourceArn': Stack.of(topic).formatArn({
            service: 'events',
            resource: 'rule',
            resourceName: alarmName(configuration, '*'),
            arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
          }),
        },
      },
    }),
  );
}
