import { RunningTask } from '../aws/one-off-task';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError, usageError } from '../exit-codes';
import { counted, duration } from '../output/amounts';
import { emptyLocalQueue } from '../stage/local-run';
import type { Disaster } from './drill';
import { emptyQueueCommand } from './empty-queue-command';

/** For how long the task waits for its sign: time to accept the probes. */
const WAIT_SECONDS = 300;

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
    // Nobody outside the network reaches Redis, so a task of the stage's own does it, at the signal of its stop: without
    // one it empties nothing, whatever becomes of this command.
    prepare: async (tell) => {
      const kind = Object.keys((await context.configuration()).workers)[0] ?? 'default';
      task = await RunningTask.start(context, {
        process: `worker-${kind}`,
        command: emptyQueueCommand(WAIT_SECONDS),
        startedBy: 'holdfast-drill',
      });
      await task.untilRunning(tell);
    },
    leaves: () =>
      task === undefined
        ? undefined
        : `The task ${task.id} would empty it when it is stopped; left alone it empties nothing and ends by itself within ${duration(WAIT_SECONDS)}.`,
    strike: async () => {
      const at = Date.now();
      const lines: string[] = [];
      await task?.stop('holdfast drill queue-loss: the sign to empty it');
      const ended = await task?.untilEnded(
        (line) => lines.push(line),
        () => undefined,
      );
      if (ended?.exitCode !== 0) {
        const why = [...lines, ended?.reason].filter(Boolean).join('; ');
        throw new OperationsError(EXIT.unavailable, `The queue's Redis could not be emptied: ${why}.`);
      }
      return { broke: emptiedBy(lines), at };
    },
    isWhole: () => drawsFromRedis(context),
  };
}

/** Without the number where its log is late. */
function emptiedBy(lines: readonly string[]): string {
  const line = lines.find((each) => each.startsWith('{"keys":'));
  return line === undefined
    ? "The queue's Redis was emptied."
    : told((JSON.parse(line) as { readonly keys: number }).keys);
}
