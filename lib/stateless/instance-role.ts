import { Stack, Validations } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './nag';

/**
 * The role of an instance: what its agents need, and nothing that containers do. Images are pulled, logs written and
 * secrets read by the execution role of each task, so the instance's role has neither (AWS's own
 * AmazonEC2ContainerServiceforEC2Role has).
 */
export function instanceRole(scope: Construct, cluster: ecs.Cluster, description: string): iam.IRole {
  const inCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  const instances = Stack.of(scope).formatArn({
    service: 'ecs',
    resource: 'container-instance',
    resourceName: `${cluster.clusterName}/*`,
  });
  const role = new iam.Role(scope, 'InstanceRole', {
    assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    description,
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
    inlinePolicies: {
      agent: new iam.PolicyDocument({
        statements: [
          new iam.PolicyStatement({
            actions: [
              'ecs:RegisterContainerInstance',
              'ecs:DeregisterContainerInstance',
              'ecs:SubmitAttachmentStateChanges',
              'ecs:SubmitContainerStateChange',
              'ecs:SubmitTaskStateChange',
            ],
            resources: [cluster.clusterArn],
          }),
          new iam.PolicyStatement({
            actions: ['ecs:Poll', 'ecs:StartTelemetrySession'],
            resources: [instances],
            conditions: inCluster,
          }),
          new iam.PolicyStatement({ actions: ['ecs:DiscoverPollEndpoint'], resources: ['*'] }),
        ],
      }),
    },
  });
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]',
    reason: 'The policy that AWS keeps for the SSM agent: sessions on instances instead of SSH and its open port.',
  });
  acknowledgeWildcards(
    role,
    ['*'],
    'ecs:DiscoverPollEndpoint knows no resources; it answers where the agent has to connect to.',
  );
  acknowledgeWildcards(
    role,
    [instances],
    'Instances get their ids when they register; the statement ends at this cluster.',
  );
  // CDK would add the permissions of AWS's managed policy when the group joins the cluster.
  return role.withoutPolicyUpdates();
}
