import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { DURABLE_FAMILIES } from '../../lib/config/check-redis';
import { checkRedisReplicationGroup } from '../../lib/stateful/redis-replication-group-checks';
import { RedisDurability } from '../../lib/stateful/redis-replication-group-props';

/* What the configuration refuses and what the construct refuses by itself, so that it can be used without the other. */

test('the families with durability are those of the construct', () => {
  const stack = new Stack(new App(), 'Stack');
  const vpc = new ec2.Vpc(stack, 'Vpc') as ec2.IVpc;
  const refuse = () =>
    checkRedisReplicationGroup(stack, {
      vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      nodeType: 'cache.t4g.micro',
      durability: RedisDurability.SYNC,
    });
  const families = [...DURABLE_FAMILIES];
  let message = '';
  try {
    refuse();
  } catch (error) {
    message = String(error);
  }
  const [, named = ''] = /needs a nodeType of ([^\n]*), got/.exec(message) ?? [];
  expect(named.split(', ').sort()).toEqual(families.sort());
});
