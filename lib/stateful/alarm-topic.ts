import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlarmTopicProps {
  readonly displayName: string;
  /** Each gets a message with a link to confirm, once. */
  readonly emails: readonly string[];
}

/**
 * Where alarms go to reach people. Not encrypted with a key: CloudWatch may not use the key that SNS offers for nothing,
 * one of our own costs 1 USD per month, and the messages end in mailboxes anyway.
 */
export class AlarmTopic extends sns.Topic {
  constructor(scope: Construct, id: string, { displayName, emails }: AlarmTopicProps) {
    super(scope, id, { displayName, enforceSSL: true });
    const stack = Stack.of(this);
    // A topic with a policy loses the default one, under which the account's alarms could publish.
    this.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: {
            'aws:SourceArn': stack.formatArn({
              service: 'cloudwatch',
              resource: 'alarm',
              resourceName: '*',
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
    for (const email of emails) this.addSubscription(new EmailSubscription(email));
  }
}
