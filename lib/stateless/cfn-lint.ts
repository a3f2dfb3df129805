import { Aspects, CfnResource } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Types whose superfluous `DependsOn` the CDK writes itself: on the role, or on the target group, that they refer to. */
const WRITTEN_BY_CDK = ['AWS::Lambda::Function', 'AWS::StepFunctions::StateMachine', 'AWS::ECS::Service'];

/**
 * Tells cfn-lint, at each resource, to pass over W3005: a dependency that a reference enforces already. CDK waits for a
 * role with its policies as a whole, so that the first call does not run before the policy is attached; that the role
 * itself is among what it waits for changes nothing.
 */
export function acknowledgeSuperfluousDependencies(scope: IConstruct): void {
  Aspects.of(scope).add({
    visit: (node) => {
      if (!CfnResource.isCfnResource(node) || !WRITTEN_BY_CDK.includes(node.cfnResourceType)) return;
      node.addMetadata('cfn-lint', { config: { ignore_checks: ['W3005'] } });
    },
  });
}
