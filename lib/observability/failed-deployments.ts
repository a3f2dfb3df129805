import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { alarmName } from '../config';
import type { ServiceAlarmsProps } from './service-alarms';

/**
 * Tells the topic when Amazon ECS gives a deployment up, by its circuit breaker or by an alarm; with rollback on, the
 * version before keeps serving.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
 */
export function tellFailedDeployments(
  scope: Construct,
  { configuration, cluster, topic }: Pick<ServiceAlarmsProps, 'configuration' | 'cluster' | 'topic'>,
): void {
  const services = Stack.of(scope).formatArn({
    service: 'ecs',
    resource: 'service',
    resourceName: `${cluster.clusterName}/`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  const stage = `${configuration.name} ${configuration.stage}`;
  const [service, reason] = ['$.resources[0]', '$.detail.reason'].map((path) => events.EventField.fromPath(path));
  const rule = new events.Rule(scope, 'FailedDeployments', {
    ruleName: alarmName(configuration, 'deployment-failed'),
    description: `Tells people when a deployment of ${stage} failed or was rolled back`,
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Deployment State Change'],
      resources: events.Match.prefix(services),
      detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
    },
    targets: [
      new SnsTopic(topic, {
        message: events.RuleTargetInput.fromText(
          `A deployment of ${stage} failed, and Amazon ECS rolled it back where there was a version before: ${service ?? ''}. Reason: ${reason ?? ''}. First step: read what the new containers said (the log groups /${configuration.name}/${configuration.stage}/…), and what the stack said (aws cloudformation describe-stack-events).`,
        ),
      }),
    ],
  });
  Validations.of(rule).acknowledge({
    id: 'Annotation::@aws-cdk/aws-events:ruleUnresolvedEnvironment',
    reason: 'The topic stands in the stateful stack of the same account and region; its ARN is read at deploy.',
  });
}
