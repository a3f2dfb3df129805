import { ExecuteCommandCommand } from '@aws-sdk/client-ecs';
import { RunningTask } from './aws/one-off-task';
import type { EndedTask } from './aws/one-off-task';
import { execTarget, SessionPlugin } from './aws/session-plugin';
import { shellWords } from './aws/shell-words';
import { isSet, textOption } from './command';
import type { CommandResult, Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { EXIT, OperationsError, usageError } from './exit-codes';

const STARTED_BY = 'holdfast-run';
/** A task that is kept for a terminal ends by itself when nobody ends it. */
const KEPT_SECONDS = 4 * 3_600;

export const run: OperationsCommand = {
  name: 'run',
  summary: 'Run one command in a container of its own',
  description:
    "Run one command in a new container with the image, variables, secrets, role and network of a process; print what it writes, and end with its exit code. Ctrl-C stops it. With --tty it is a terminal's, by ECS Exec.",
  words: { '<command...>': 'behind --: the command and its words, without a shell' },
  options: {
    '--process <name>': 'web, worker-KIND, scheduler or migration (default: web)',
    '--tty': 'a terminal for it; needs fleet.ecsExec and the session-manager-plugin',
  },
  examples: [
    'run --stage production -- node dist/migrate.js',
    'run --process worker-default -- node --version',
    'run --tty -- sh',
  ],
  notLocal: 'run the command in a shell of this machine',
  run(context, input) {
    if (isSet(input, 'tty')) return inTerminal(context, input);
    return toItsEnd(context, input);
  },
};

function processOf(input: Input): string {
  return textOption(input, 'process') ?? 'web';
}

async function toItsEnd(context: OperationsContext, input: Input): Promise<CommandResult> {
  const process = processOf(input);
  const { terminal } = context;
  const task = await RunningTask.start(context, { process, command: input.words, startedBy: STARTED_BY });
  terminal.say(`Task ${task.id} of ${process}.`);
  const log: string[] = [];
  const ended = await stoppedWith(context, task, () =>
    terminal.during('Running', (tell) =>
      task.untilEnded((line) => {
        log.push(line);
        terminal.line(line);
      }, tell),
    ),
  );
  const exitCode = exitCodeOf(task, ended);
  terminal.say(`Ended with exit code ${exitCode}.`);
  return { data: { task: task.arn, process, exitCode, reason: ended.reason, log }, view: [], exitCode };
}

/** @throws OperationsError where the command never ran. */
function exitCodeOf({ id }: RunningTask, { exitCode, reason }: EndedTask): number {
  if (exitCode !== undefined) return exitCode;
  throw new OperationsError(EXIT.unavailable, `The command of task ${id} did not run: ${reason}.`);
}

/**
 * A task goes on when this process ends, so it is stopped when nobody waits for it any more: after Ctrl-C, the end of the
 * terminal or of who read the output, or an error.
 */
async function stoppedWith<T>(context: OperationsContext, task: RunningTask, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isInterrupted = context.signal.aborted;
    const stopped = await stop(
      task,
      isInterrupted ? 'holdfast run was interrupted' : 'holdfast run ended with an error',
    );
    if (isInterrupted) throw new OperationsError(EXIT.interrupted, `Interrupted: ${stopped}.`, { cause: error });
    if (!(error instanceof OperationsError)) throw error;
    throw new OperationsError(error.exitCode, `${error.message} The ${stopped}.`, { cause: error });
  }
}

/** @returns what became of the task. */
async function stop(task: RunningTask, reason: string): Promise<string> {
  try {
    await task.stop(reason);
    return `task ${task.id} is stopped`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `task ${task.id} goes on, as it could not be stopped (${why.replace(/\.$/, '')})`;
  }
}

async function inTerminal(context: OperationsContext, input: Input): Promise<CommandResult | undefined> {
  if (context.terminal.json) throw usageError('run has both --tty and --json; allowed is one: leave the other out.');
  const { fleet } = await context.configuration();
  if (!fleet.ecsExec) {
    throw usageError(
      `fleet.ecsExec of stage ${context.stage} is false, and --tty works by ECS Exec: set it to true and deploy, or leave --tty out.`,
    );
  }
  const plugin = await SessionPlugin.find(context);
  const process = processOf(input);
  const task = await RunningTask.start(context, {
    process,
    command: ['sleep', String(KEPT_SECONDS)],
    startedBy: STARTED_BY,
    forExec: true,
  });
  const { terminal } = context;
  try {
    await terminal.during('Starting a container', (tell) => task.untilRunning(tell));
    const exitCode = await openTerminal(context, plugin, task, shellWords(input.words));
    return { data: {}, view: [], exitCode };
  } finally {
    await task.stop('The terminal of holdfast run has ended');
  }
}

async function openTerminal(
  context: OperationsContext,
  plugin: SessionPlugin,
  { arn, cluster, container }: RunningTask,
  command: string,
): Promise<number> {
  const aws = await context.aws();
  const { session } = await context.terminal.during('Opening a terminal', () =>
    plugin.whenConnected(() =>
      aws.ecs.send(new ExecuteCommandCommand({ cluster, task: arn, container, command, interactive: true })),
    ),
  );
  return plugin.open(session, { Target: await execTarget(aws, { cluster, arn, container }) });
}
