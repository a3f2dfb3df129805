import { alarmsOf } from './aws/alarms';
import { databaseOf, isServing, redisOf, ServerGone } from './aws/backing-servers';
import { rollbacksAmong } from './aws/rollbacks';
import { isSteady, servicesOf } from './aws/services';
import type { CommandResult, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { EXIT } from './exit-codes';
import { GAP, pairs, text, warning } from './output/block';
import { askApp, isAppWell, viewOfApp } from './status/app-status';
import {
  alarmCell,
  dataRows,
  dataTable,
  isSettled,
  serviceTable,
  soundingAlarms,
  stackTable,
} from './status/stage-view';

export const status: OperationsCommand = {
  name: 'status',
  summary: 'How the stage is: stacks, processes, data, alarms, tasks',
  description:
    'How the stage is: stacks, processes, data, alarms, tasks. Exit code 1 when something of it is not as it should be.',
  examples: ['status --stage production', 'status --stage local', 'status --json'],
  run: (context) =>
    context.terminal.during('Asking AWS and the app', () => (context.isLocal ? local(context) : deployed(context))),
};

async function local(context: OperationsContext): Promise<CommandResult> {
  const app = await context.app();
  const asked = await askApp(context);
  const { cells, data } = viewOfApp(asked);
  return {
    data: { stage: context.stage, url: app.baseUrl, ...data },
    view: [pairs(['Stage', 'local'], ['Address', app.baseUrl], ...cells)],
    exitCode: isAppWell(asked) ? EXIT.done : EXIT.found,
  };
}

async function deployed(context: OperationsContext): Promise<CommandResult> {
  const configuration = await context.configuration();
  const aws = await context.aws();
  const stage = await context.deployed();
  const [stacks, services, database, queue, cache, alarms, url, account] = await Promise.all([
    Promise.all([stage.stack('stateful'), stage.stack('stateless')]),
    servicesOf(aws, configuration),
    orGone(databaseOf(context)),
    orGone(redisOf(context, 'queue')),
    orGone(redisOf(context, 'cache')),
    alarmsOf(context),
    stage.url(),
    context.account(),
  ]);
  const app = configuration.taskEngine === 'holdfast' ? await askApp(context) : undefined;
  const sounding = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  const viewed = app === undefined ? { cells: [], data: {} } : viewOfApp(app);
  const data = dataRows(database, queue, cache);
  const { rolledBack, ended } = await rollbacksAmong(aws, services);
  const isWell =
    (app === undefined || isAppWell(app)) &&
    sounding.length === 0 &&
    services.every(isSteady) &&
    stacks.every(isSettled) &&
    data.every(({ state }) => isServing(state));
  return {
    data: {
      ...{ stage: context.stage, region: configuration.region, account, url, ...viewed.data },
      stacks: stacks.map(({ StackName, StackStatus, LastUpdatedTime, CreationTime }) => ({
        ...{ name: StackName, status: StackStatus, changedAt: LastUpdatedTime ?? CreationTime },
      })),
      services: services.map(
        ({ serviceName, runningCount, desiredCount, pendingCount, deployments, taskDefinition }) => ({
          ...{ name: serviceName, running: runningCount, desired: desiredCount, pending: pendingCount },
          ...{ deployments: deployments?.length, rollout: deployments?.[0]?.rolloutState, taskDefinition },
          rolledBackFrom: rolledBack.find(({ process }) => process === serviceName)?.fromArn ?? null,
          rollbackEnded: ended.find(({ process }) => process === serviceName)?.copies[0] ?? null,
        }),
      ),
      data,
      alarms: {
        ...{
          total: alarms.length,
          sounding: sounding.map(({ AlarmName, StateUpdatedTimestamp }) => ({
            name: AlarmName,
            since: StateUpdatedTimestamp,
          })),
        },
      },
    },
    view: [
      pairs(
        ['Stage', `${configuration.name} ${context.stage}, ${configuration.region}, account ${account}`],
        ['Address', url],
        ...viewed.cells,
        ['Alarms', alarmCell(alarms, sounding)],
      ),
      GAP,
      stackTable(stacks),
      GAP,
      serviceTable(services, rolledBack, ended),
      ...rolledBack.slice(0, 1).map(() => text(warning('Rolled back: npx holdfast doctor says from what to what.'))),
      ...ended.slice(0, 1).map(() => text(warning('A deploy ended a rollback: npx holdfast doctor says of what.'))),
      GAP,
      dataTable(data),
      ...soundingAlarms(sounding, configuration),
      ...(isWell ? [] : [GAP, text('Next: npx holdfast doctor names what is wrong and how to mend it.')]),
    ],
    exitCode: isWell ? EXIT.done : EXIT.found,
  };
}

/** A server that is gone is a finding, too. */
async function orGone<Server>(asked: Promise<Server>): Promise<Server | ServerGone> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServerGone) return error;
    throw error;
  }
}
