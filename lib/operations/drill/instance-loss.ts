import { DescribeTasksCommand, ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import type { Task } from '@aws-sdk/client-ecs';
import { clusterName } from '../../config';
import { isSteady, servicesOf } from '../aws/services';
import type { OperationsContext } from '../context';
import { missingError } from '../exit-codes';
import { counted } from '../output/amounts';
import { localProcesses } from '../stage/local-run';
import type { Disaster } from './drill';

/** What Amazon ECS describes in one call. */
const MOST_DESCRIBED = 100;

/** Locally a worker is killed; in AWS everything on one instance is stopped. */
export function instanceLoss(context: OperationsContext): Promise<Disaster> {
  return context.isLocal ? local(context) : deployed(context);
}

async function local(context: OperationsContext): Promise<Disaster> {
  const app = await context.app();
  const workers = async () => (await app.queues()).workers;
  const listed = localProcesses(context.options.root);
  // The app itself has to know the process: a pid of an earlier run may be somebody else's today.
  const alive = new Set((await workers()).map(({ pid }) => pid));
  const chosen = listed.find(({ name, pid }) => name.startsWith('worker') && alive.has(pid));
  if (chosen === undefined) throw missingError('No local worker is alive: see npx holdfast queues --stage local.');
  const count = alive.size;
  return {
    what: `kill ${chosen.name} (process ${chosen.pid})`,
    strike: () => {
      process.kill(chosen.pid, 'SIGKILL');
      return Promise.resolve({ broke: `${chosen.name} was killed with what it ran.`, at: Date.now() });
    },
    isWhole: async () => {
      const now = (await workers()).map(({ pid }) => pid);
      return now.length >= count && !now.includes(chosen.pid);
    },
  };
}

async function deployed(context: OperationsContext): Promise<Disaster> {
  const configuration = await context.configuration();
  const { ecs } = await context.aws();
  const cluster = clusterName(configuration);
  const [instance, tasks] = mostLoaded(await runningTasks(context, cluster));
  const names = tasks.map(({ group = '' }) => group.replace(/^service:/, '')).sort();
  const stop = (task: Task) =>
    ecs.send(new StopTaskCommand({ cluster, task: task.taskArn, reason: 'holdfast drill instance' }));
  return {
    what: `stop ${names.join(', ')} on one instance (${instance.slice(0, 8)})`,
    strike: async () => {
      const at = Date.now();
      await Promise.all(tasks.map(stop));
      const broke = `${counted(tasks.length, 'container')} of one instance ended as when it goes: ${names.join(', ')}.`;
      return { broke, at };
    },
    isWhole: async () => {
      // A list of tasks says what they are wanted to be, at once: only a description says that they have ended.
      const { tasks: struck = [] } = await ecs.send(
        new DescribeTasksCommand({ cluster, tasks: tasks.flatMap(({ taskArn }) => taskArn ?? []) }),
      );
      if (struck.some(({ lastStatus }) => lastStatus !== 'STOPPED')) return false;
      return (await servicesOf(await context.aws(), configuration)).every(isSteady);
    },
  };
}

/** Tasks of services; what somebody runs by hand is left alone. */
async function runningTasks(context: OperationsContext, cluster: string): Promise<Task[]> {
  const { ecs } = await context.aws();
  const { taskArns = [] } = await ecs.send(
    new ListTasksCommand({ cluster, desiredStatus: 'RUNNING', maxResults: MOST_DESCRIBED }),
  );
  if (taskArns.length === 0) return [];
  const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
  return tasks.filter(({ group }) => group?.startsWith('service:'));
}

/** The instance with most containers, one with a worker among them before others. */
function mostLoaded(tasks: readonly Task[]): [string, Task[]] {
  const byInstance = new Map<string, Task[]>();
  for (const task of tasks) {
    const id = task.containerInstanceArn?.split('/').at(-1) ?? '';
    byInstance.set(id, [...(byInstance.get(id) ?? []), task]);
  }
  const rank = (all: readonly Task[]): number =>
    all.length + (all.some(({ group }) => group?.startsWith('service:worker')) ? MOST_DESCRIBED : 0);
  const [first] = [...byInstance].sort(([, a], [, b]) => rank(b) - rank(a));
  if (first !== undefined) return first;
  throw missingError('No container of the stage runs: see npx holdfast status.');
}
