import { Stack, Validations } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';

/**
 * Says why statements of a role may name these resources with a wildcard. cdk-nag asks for each finding by its own id,
 * in which references stand as `<LogicalId>`.
 */
export function acknowledgeWildcards(role: IConstruct | undefined, resources: readonly string[], reason: string): void {
  if (role === undefined) return;
  for (const resource of resources) {
    const id = `AwsSolutions-IAM5[Resource::${flatten(Stack.of(role).resolve(resource))}]`;
    Validations.of(role).acknowledge({ id, reason });
  }
}

/** Says why a security group, which lets everything out, has no rules of its own for what goes out. */
export function acknowledgeOpenEgress(securityGroup: ec2.ISecurityGroup): void {
  Validations.of(securityGroup).acknowledge({
    id: '@aws-cdk/aws-ec2:ipv4IgnoreEgressRule',
    reason: 'Agents and containers call AWS and whom the app calls; who may be called is said where it is called.',
  });
}

/** The text of a value as cdk-nag writes it. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = ['', '']] = Object.entries(value as Record<string, unknown>);
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(flatten).join('');
  return `<${Array.isArray(argument) ? argument.join('.') : String(argument)}>`;
}
