import { PATHS } from '../../app/src/contract';
import { alarmsOf } from './aws/alarms';
import { databaseOf, redisOf } from './aws/backing-servers';
import { isSteady, servicesOf } from './aws/services';
import { rolledBackAmong } from './aws/task-definitions';
import type { QueuesAnswer } from './app-api/answers';
import type { CommandResult, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { EXIT, OperationsError } from './exit-codes';
import { count, counted, duration } from './output/amounts';
import { GAP, bad, good, pairs, text, warning } from './output/block';
import type { Cell } from './output/block';
import { alarmCell, dataRows, isSettled, serviceTable, soundingAlarms, stackTable } from './status/stage-view';

export const status: OperationsCommand = {
  name: 'status',
  summary: 'How the stage is: stacks, processes, data, alarms, tasks',
  description:
    'How the stage is: stacks, processes, data, alarms, tasks. Exit code 1 when something of it is not as it should be.',
  examples: ['status --stage production', 'status --stage local', 'status --json'],
  run: (context) =>
    context.terminal.during('Asking AWS and the app', () => (context.isLocal ? local(context) : deployed(context))),
};

/** What the app says of itself, or why it says nothing. */
interface AppStatus {
  readonly ready: boolean;
  readonly queues?: QueuesAnswer;
  readonly trouble?: string;
}

async function local(context: OperationsContext): Promise<CommandResult> {
  const app = await context.app();
  const asked = await appStatus(context);
  const { cells, data } = viewOfApp(asked);
  return {
    data: { stage: context.stage, url: app.baseUrl, ...data },
    view: [pairs(['Stage', 'local'], ['Address', app.baseUrl], ...cells)],
    exitCode: asked.ready ? EXIT.done : EXIT.found,
  };
}

async function deployed(context: OperationsContext): Promise<CommandResult> {
  const configuration = await context.configuration();
  const aws = await context.aws();
  const stage = await context.deployed();
  const [stacks, services, database, queue, cache, alarms, url, account] = await Promise.all([
    Promise.all([stage.stack('stateful'), stage.stack('stateless')]),
    servicesOf(aws, configuration),
    databaseOf(context),
    redisOf(context, 'queue'),
    redisOf(context, 'cache'),
    alarmsOf(aws, configuration),
    stage.url(),
    context.account(),
  ]);
  const app = configuration.taskEngine === 'holdfast' ? await appStatus(context) : undefined;
  const sounding = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  const viewed = app === undefined ? { cells: [], data: {} } : viewOfApp(app);
  const data = dataRows(database, queue, cache);
  const rolledBack = await rolledBackAmong(aws, services);
  const isWell =
    app?.ready !== false &&
    sounding.length === 0 &&
    services.every(isSteady) &&
    stacks.every(isSettled) &&
    data.every(({ state }) => state === 'available');
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
      serviceTable(services, rolledBack),
      ...rolledBack.slice(0, 1).map(() => text(warning('Rolled back: npx holdfast doctor says from what to what.'))),
      GAP,
      {
        kind: 'table',
        columns: [
          { heading: 'Data' },
          { heading: 'Is', cuts: 'end' },
          { heading: 'Id', cuts: 'middle' },
          { heading: 'State' },
        ],
        rows: data.map(({ what, is, id, state }) => [
          what,
          is,
          id,
          state === 'available' ? good(state) : warning(state),
        ]),
      },
      ...soundingAlarms(sounding, configuration),
      ...(isWell ? [] : [GAP, text('Next: npx holdfast doctor names what is wrong and how to mend it.')]),
    ],
    exitCode: isWell ? EXIT.done : EXIT.found,
  };
}

/** An app that does not answer is a finding; everything else is still worth knowing. */
async function appStatus(context: OperationsContext): Promise<AppStatus> {
  try {
    const app = await context.app();
    const ready = await app.isReady(PATHS.ready);
    return { ready, queues: await app.queues() };
  } catch (error) {
    if (!(error instanceof OperationsError) || error.exitCode !== EXIT.unavailable) throw error;
    return { ready: false, trouble: error.message };
  }
}

function viewOfApp({ ready, queues, trouble }: AppStatus): { cells: (readonly [string, Cell])[]; data: object } {
  if (queues === undefined) {
    return { cells: [['App', bad(trouble ?? 'is not ready')]], data: { ready, trouble: trouble ?? null, tasks: null } };
  }
  const sum = (of: 'backlog' | 'running' | 'dead' | 'parked' | 'scheduled' | 'waiting'): number =>
    queues.queues.reduce((total, queue) => total + queue[of], 0);
  const oldestAgeSeconds = Math.max(0, ...queues.queues.map((queue) => queue.oldestAgeSeconds));
  const tasks = {
    ...{ backlog: sum('backlog'), running: sum('running'), scheduled: sum('scheduled'), waiting: sum('waiting') },
    ...{ dead: sum('dead'), parked: sum('parked'), oldestAgeSeconds, workers: queues.workers.length },
  };
  const words = [
    counted(tasks.workers, 'worker'),
    `backlog ${count(tasks.backlog)}${tasks.backlog > 0 ? `, the oldest waits ${duration(oldestAgeSeconds)}` : ''}`,
    `${count(tasks.running)} running`,
    `${count(tasks.dead)} dead`,
    ...(tasks.parked > 0 ? [`${count(tasks.parked)} parked`] : []),
  ].join(', ');
  return {
    cells: [
      ['App', ready ? good('ready') : bad('not ready: its database does not answer')],
      ['Tasks', tasks.workers === 0 ? bad(words) : tasks.dead + tasks.parked > 0 ? warning(words) : words],
    ],
    data: { ready, trouble: trouble ?? null, tasks },
  };
}
