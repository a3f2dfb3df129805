import { RunningTask } from '../aws/one-off-task';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError, usageError } from '../exit-codes';
import { counted } from '../output/amounts';
import { emptyLocalQueue } from '../stage/local-run';
import type { Disaster } from './drill';
import { emptyQueueCommand } from './empty-queue-command';

/** Time to accept the probes once the task runs. */
const FUSE_SECONDS = 10;

/** Everything that Redis knows of the queue is lost, as when its only node is replaced. */
export async function queueLoss(context: OperationsContext): Promise<Disaster> {
  if (context.isLocal) return local(context);
  const { redis } = await context.configuration();
  if ('existing' in redis) {
    throw usageError(
      `The Redis of stage ${context.stage} existed before it (redis.existing), and others may use it: drill on a stage with its own.`,
    );
  }
  return deployed(context, redis.cache === 'shared');
}

function local(context: OperationsContext): Disaster {
  return {
    what: "empty the queue's Redis",
    strike: async () => {
      const at = Date.now();
      return { broke: told(await emptyLocalQueue(context.options.root)), at };
    },
    isWhole: () => drawsFromRedis(context),
  };
}

/** Meanwhile workers take tasks from the ledger itself. */
async function drawsFromRedis(context: OperationsContext): Promise<boolean> {
  const { workers } = await (await context.app()).queues();
  return workers.length > 0 && workers.every(({ source }) => source === 'redis');
}

function told(keys: number): string {
  return `The queue's Redis was emptied of ${counted(keys, 'key')}.`;
}

function deployed(context: OperationsContext, isShared: boolean): Disaster {
  let task: RunningTask | undefined;
  return {
    what: isShared ? "empty the queue's Redis, and the cache in it" : "empty the queue's Redis",
    // Nobody outside the network reaches Redis, so a task of the stage's own does it.
    prepare: async (tell) => {
      const kind = Object.keys((await context.configuration()).workers)[0] ?? 'default';
      task = await RunningTask.start(context, {
        process: `worker-${kind}`,
        command: emptyQueueCommand(FUSE_SECONDS),
        startedBy: 'holdfast-drill',
      });
      await task.untilRunning(tell);
    },
    strike: async () => {
      const lines: string[] = [];
      const ended = await task?.untilEnded(
        (line) => lines.push(line),
        () => undefined,
      );
      if (ended?.exitCode !== 0) {
        const why = [...lines, ended?.reason].filter(Boolean).join('; ');
        throw new OperationsError(EXIT.unavailable, `The queue's Redis could not be emptied: ${why}.`);
      }
      const { keys, at } = saidIn(lines);
      return {
        broke: keys === undefined ? "The queue's Redis was emptied." : told(keys),
        at: at ?? ended.stoppedAt?.getTime() ?? Date.now(),
      };
    },
    isWhole: () => drawsFromRedis(context),
  };
}

/** Nothing where its log is late. */
function saidIn(lines: readonly string[]): { readonly keys?: number; readonly at?: number } {
  const line = lines.find((each) => each.startsWith('{"keys":'));
  return line === undefined ? {} : (JSON.parse(line) as { readonly keys: number; readonly at: number });
}
