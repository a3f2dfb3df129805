import { CfnResource, RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** What a kept database or queue stands in and cannot do without. */
const NEEDED_BY_DATA = new Set([
  'AWS::EC2::VPC',
  'AWS::EC2::Subnet',
  'AWS::EC2::SecurityGroup',
  'AWS::RDS::DBSubnetGroup',
  'AWS::RDS::DBParameterGroup',
  'AWS::ElastiCache::SubnetGroup',
  'AWS::ElastiCache::ParameterGroup',
  'AWS::SecretsManager::Secret',
  'AWS::SecretsManager::SecretTargetAttachment',
]);

/**
 * Keeps what holds up a retained database: without it, deleting the stack would fail at a subnet that is in use, and the
 * password would be gone.
 */
export function keepWhatDataNeeds(scope: Construct): void {
  for (const resource of scope.node.findAll()) {
    if (CfnResource.isCfnResource(resource) && NEEDED_BY_DATA.has(resource.cfnResourceType)) {
      resource.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    }
  }
}
