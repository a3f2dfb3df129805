import { CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';

/** A server outside the stack that containers connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: string;
  /** Allows what connects to it, from the consumer's side. */
  readonly connections: ec2.Connections;
  /** Holds the password or AUTH token. */
  readonly secret: secretsmanager.ISecret;
  /** The field of the secret. @default - the whole secret */
  readonly secretField?: string;
}

/** What the replaceable side needs to know of the kept side; addresses and ARNs, never a secret's value. */
export interface BackingServices {
  readonly vpc: ec2.IVpc;
  /** Where instances and tasks stand: private subnets, or public ones in a network without NAT. */
  readonly instanceSubnets: ec2.SubnetSelection;
  readonly database: Endpoint & {
    readonly name: string;
    readonly user: string;
    /** For metrics; absent for a database of the user's own. */
    readonly instanceId?: string;
  };
  readonly queue: Endpoint & { readonly tls: boolean; readonly replicationGroupId?: string };
  /** The same as `queue` where one node serves both. */
  readonly cache: Endpoint & { readonly tls: boolean; readonly replicationGroupId?: string };
  readonly uploads: s3.IBucket;
  readonly adminToken: secretsmanager.ISecret;
  readonly alarmTopic: sns.ITopic;
}
