import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { addressOf } from '../config';
import type { StageConfiguration } from '../config';
import type { BackingServices } from '../stateful/backing-services';
import { OBJECTS_PREFIX } from './container-environment';
import type { ContainerTask } from './container-task';
import { acknowledgeWildcards } from './nag';

/** Lets a process read, write and delete the app's objects, and nothing else of the bucket. */
export function grantObjects({ taskDefinition }: ContainerTask, { uploads }: BackingServices): void {
  const objects = uploads.arnForObjects(`${OBJECTS_PREFIX}/*`);
  taskDefinition.addToTaskRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      resources: [objects],
    }),
  );
  // Without it S3 answers 403 for an object that is not there.
  taskDefinition.addToTaskRolePolicy(
    new iam.PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [uploads.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${OBJECTS_PREFIX}/*` } },
    }),
  );
  acknowledgeWildcards(taskDefinition.taskRole, [objects], 'Objects get their names at run time, under this prefix.');
}

/** Lets a process send mail from the one address of the configuration, through the identity of its domain. */
export function grantMail({ taskDefinition }: ContainerTask, { mail }: StageConfiguration): void {
  if (mail === undefined) return;
  const address = addressOf(mail.from);
  const identity = (resourceName: string): string =>
    Stack.of(taskDefinition).formatArn({ service: 'ses', resource: 'identity', resourceName });
  taskDefinition.addToTaskRolePolicy(
    new iam.PolicyStatement({
      actions: ['ses:SendEmail'],
      resources: [identity(address.replace(/^.*@/, '')), identity(address)],
      conditions: { StringEquals: { 'ses:FromAddress': address } },
    }),
  );
}
