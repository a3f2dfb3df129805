import { Fn } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { parameterPath } from '../config';
import type { StageConfiguration } from '../config';

export type NewNetwork = Exclude<StageConfiguration['network'], { existing: unknown }>;

/** Ports that the deployment's own servers listen on; security group rules need them before the deploy. */
export const SERVER_PORTS = { postgres: 5432, redis: 6379 } as const;

export type Concept = 'network' | 'database' | 'queue' | 'cache' | 'uploads' | 'admin-token' | 'alarms';

/**
 * The name of the SSM parameter through which the kept stack tells `field` of `concept` to the replaceable one.
 * Parameters instead of exports: an export that is in use cannot change, nor can what it belongs to.
 */
export function parameterName(
  configuration: Pick<StageConfiguration, 'name' | 'stage'>,
  concept: Concept,
  field: string,
): string {
  return `${parameterPath(configuration)}/${concept}/${field}`;
}

/** The parameter's value as CloudFormation finds it at each deploy of the scope's stack. */
export function readParameter(
  scope: Construct,
  configuration: Pick<StageConfiguration, 'name' | 'stage'>,
  concept: Concept,
  field: string,
): string {
  return ssm.StringParameter.valueForStringParameter(scope, parameterName(configuration, concept, field));
}

/**
 * The zones of a network that is made here: those that the configuration names, else the region's first in
 * CloudFormation's order as it has them at the deploy. Both stacks get the same, and a synth asks no account.
 */
export function zonesOf({ zoneNames, availabilityZones }: NewNetwork): string[] {
  return zoneNames ?? Array.from({ length: availabilityZones }, (_, index) => Fn.select(index, Fn.getAzs()));
}
