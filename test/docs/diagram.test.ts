import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import reference from '../../holdfast.config';
import { architectureSvg, synthesizeStacks } from '../../lib/operations/diagram/architecture';
import type { Resource, Template } from '../../lib/operations/diagram/templates';

const committed = readFileSync(join(__dirname, '..', '..', 'docs', 'architecture.svg'), 'utf8');

/** The template with every resource of a type changed, or taken away. */
function changed(template: Template, type: string, change: (resource: Resource) => Resource | undefined): Template {
  const resources = Object.entries(template.Resources).flatMap(([id, resource]) => {
    const result = resource.Type === type ? change(resource) : resource;
    return result === undefined ? [] : [[id, result] as const];
  });
  return { ...template, Resources: Object.fromEntries(resources) };
}

describe('docs/architecture.svg', () => {
  const stacks = synthesizeStacks(reference, 'production');

  test('shows what the templates of production say; npm run diagram draws it anew', () => {
    expect(architectureSvg(stacks)).toBe(committed);
  });

  test('loads nothing: no script, font, picture or address', () => {
    expect(committed).not.toMatch(/<script|<image|@import|href|url\((?!#)/);
  });

  test('reads its numbers from the templates', () => {
    const stateless = changed(stacks.stateless, 'AWS::AutoScaling::AutoScalingGroup', (group) => ({
      ...group,
      Properties: { ...group.Properties, MaxSize: '9' },
    }));
    expect(architectureSvg({ ...stacks, stateless })).toContain('2 to 9 × t4g.medium (arm64)');
  });

  test.each([
    ['stateful', 'AWS::RDS::DBInstance'],
    ['stateful', 'AWS::ElastiCache::ReplicationGroup'],
    ['stateful', 'AWS::EC2::VPC'],
    ['stateful', 'AWS::S3::Bucket'],
    ['stateless', 'AWS::AutoScaling::AutoScalingGroup'],
    ['stateless', 'AWS::ElasticLoadBalancingV2::LoadBalancer'],
  ] as const)('is not drawn when the %s template has no %s', (stack, type) => {
    const without = { ...stacks, [stack]: changed(stacks[stack], type, () => undefined) };
    expect(() => architectureSvg(without)).toThrow(type);
  });
});
