import * as logs from 'aws-cdk-lib/aws-logs';
import type { StageConfiguration } from '../config';

/** @throws when CloudWatch Logs has no such retention; a configuration that was checked has none of these. */
export function logRetention({ logRetentionDays }: StageConfiguration): logs.RetentionDays {
  const retention = Object.values(logs.RetentionDays)
    .filter((value) => typeof value === 'number')
    .find((value) => value.valueOf() === logRetentionDays);
  if (retention === undefined) throw new Error(`CloudWatch Logs does not keep logs for ${logRetentionDays} days`);
  return retention;
}
