import type { Stack } from '@aws-sdk/client-cloudformation';
import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Service } from '@aws-sdk/client-ecs';
import type { ReplicationGroup } from '@aws-sdk/client-elasticache';
import type { DBInstance } from '@aws-sdk/client-rds';
import { alarmShortName } from '../aws/alarms';
import { isServing, ServerGone } from '../aws/backing-servers';
import type { EndedRollback, RolledBack } from '../aws/rollbacks';
import { isSteady } from '../aws/services';
import { revisionOf } from '../aws/task-definitions';
import { ago, counted } from '../output/amounts';
import { GAP, bad, good, title, warning } from '../output/block';
import type { Block, Cell } from '../output/block';

export function isSettled({ StackStatus }: Stack): boolean {
  return /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(StackStatus ?? '');
}

export function stackTable(stacks: readonly Stack[]): Block {
  return {
    kind: 'table',
    columns: [{ heading: 'Stack', cuts: 'middle' }, { heading: 'State' }, { heading: 'Changed', align: 'right' }],
    rows: stacks.map((stack) => {
      const state: string = stack.StackStatus ?? '';
      const changed = stack.LastUpdatedTime ?? stack.CreationTime;
      return [
        stack.StackName ?? '',
        isSettled(stack) ? good(state) : /IN_PROGRESS/.test(state) ? warning(state) : bad(state),
        changed === undefined ? '' : ago(changed),
      ];
    }),
  };
}

export function serviceTable(
  services: readonly Service[],
  rolledBack: readonly RolledBack[],
  ended: readonly EndedRollback[],
): Block {
  const marked = (process: string): string | undefined => {
    const isOf = (rollback: RolledBack | EndedRollback): boolean => rollback.process === process;
    return rolledBack.some(isOf) ? 'rolled back' : ended.some(isOf) ? 'rollback ended' : undefined;
  };
  return {
    kind: 'table',
    columns: [
      { heading: 'Process', cuts: 'end' },
      { heading: 'Running', align: 'right' },
      { heading: 'Version', align: 'right' },
      { heading: 'Deployment', cuts: 'end' },
    ],
    rows: services.map((service) => {
      const { serviceName = '', runningCount = 0, desiredCount = 0, taskDefinition = '' } = service;
      const running = `${runningCount} of ${desiredCount}`;
      const version = revisionOf(taskDefinition);
      const mark = marked(serviceName);
      return [
        serviceName,
        runningCount < desiredCount ? bad(running) : running,
        mark === undefined ? version : warning(`${version}, ${mark}`),
        isSteady(service) ? good('complete') : warning(rolloutOf(service)),
      ];
    }),
  };
}

function rolloutOf({ deployments = [] }: Service): string {
  const newest = deployments.find(({ status: of }) => of === 'PRIMARY');
  const state = (newest?.rolloutState ?? 'unknown').toLowerCase().replaceAll('_', ' ');
  return deployments.length > 1 ? `${state}, ${deployments.length} versions run` : state;
}

const NOT_THERE = 'not there';

interface DataRow {
  readonly what: string;
  readonly is: string;
  readonly id: string;
  readonly state: string;
}

export function dataRows(
  database: DBInstance | ServerGone | undefined,
  queue: ReplicationGroup | ServerGone | undefined,
  cache: ReplicationGroup | ServerGone | undefined,
): DataRow[] {
  return [
    ...(database === undefined ? [] : [databaseRow(database)]),
    ...(queue === undefined ? [] : [redisRow('queue', queue)]),
    ...(cache === undefined ? [] : [redisRow('cache', cache)]),
  ];
}

function databaseRow(database: DBInstance | ServerGone): DataRow {
  const what = 'database';
  if (database instanceof ServerGone) return goneRow(what, database);
  const engine = `${database.Engine ?? ''} ${database.EngineVersion ?? ''}`;
  return {
    what,
    is: [database.DBInstanceClass, engine, ...(database.MultiAZ === true ? ['Multi-AZ'] : [])].join(', '),
    id: database.DBInstanceIdentifier ?? '',
    state: database.DBInstanceStatus ?? 'unknown',
  };
}

function redisRow(what: string, group: ReplicationGroup | ServerGone): DataRow {
  if (group instanceof ServerGone) return goneRow(what, group);
  const nodes = group.MemberClusters?.length ?? 0;
  const is = [group.CacheNodeType, counted(nodes, 'node'), ...(group.MultiAZ === 'enabled' ? ['Multi-AZ'] : [])];
  return { what, is: is.join(', '), id: group.ReplicationGroupId ?? '', state: group.Status ?? 'unknown' };
}

function goneRow(what: string, { id }: ServerGone): DataRow {
  return { what, is: 'deleted beside CloudFormation', id, state: NOT_THERE };
}

export function dataTable(rows: readonly DataRow[]): Block {
  const stateCell = (state: string): Cell =>
    isServing(state) ? good(state) : state === NOT_THERE ? bad(state) : warning(state);
  return {
    kind: 'table',
    columns: [
      { heading: 'Data' },
      { heading: 'Is', cuts: 'end' },
      { heading: 'Id', cuts: 'middle' },
      { heading: 'State' },
    ],
    rows: rows.map(({ what, is, id, state }) => [what, is, id, stateCell(state)]),
  };
}

export function alarmCell(alarms: readonly MetricAlarm[], sounding: readonly MetricAlarm[]): Cell {
  if (sounding.length > 0) return bad(`${sounding.length} of ${counted(alarms.length, 'alarm')} sounds`);
  return alarms.length === 0 ? warning('there are none') : good(`none of ${counted(alarms.length, 'alarm')} sounds`);
}

export function soundingAlarms(sounding: readonly MetricAlarm[], stage: { name: string; stage: string }): Block[] {
  if (sounding.length === 0) return [];
  return [
    GAP,
    title('Alarms that sound'),
    ...sounding.map((alarm): Block => {
      const since = alarm.StateUpdatedTimestamp === undefined ? '' : `, ${ago(alarm.StateUpdatedTimestamp)}`;
      return {
        kind: 'text',
        text: bad(`${alarmShortName(alarm, stage)}${since}: ${alarm.AlarmDescription ?? ''}`),
        indent: 2,
      };
    }),
  ];
}
