import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { addDatabaseAlarms } from './database-alarms';
import type { MonitoredDatabase } from './database-alarms';
import { addCacheAlarms, addQueueAlarms } from './redis-alarms';
import type { MonitoredRedis } from './redis-alarms';
import { StageAlarms } from './stage-alarms';

export interface DataAlarmsProps {
  readonly configuration: StageConfiguration;
  readonly topic: sns.ITopic;
  /** @default - a database of the user's own, whose metrics are not known */
  readonly database?: MonitoredDatabase | undefined;
  /** @default - a Redis of the user's own */
  readonly queue?: MonitoredRedis | undefined;
  /** A node of its own; not the queue's when both share one. @default - shared or the user's own */
  readonly cache?: MonitoredRedis | undefined;
}

/** The alarms of what is kept: database, queue and cache. Belongs to the stateful stack. */
export class DataAlarms extends Construct {
  readonly alarms: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: DataAlarmsProps) {
    super(scope, id);
    const { configuration, topic, database, queue, cache } = props;
    const alarms = new StageAlarms(this, configuration, topic);
    if (database !== undefined) addDatabaseAlarms(alarms, configuration, database);
    if (queue !== undefined) addQueueAlarms(alarms, configuration, queue);
    if (cache !== undefined && cache !== queue) addCacheAlarms(alarms, configuration, cache);
    this.alarms = alarms.alarms;
  }
}
