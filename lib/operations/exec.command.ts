import { ExecuteCommandCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { clusterName } from '../config';
import { serviceNamed, servicesOf } from './aws/services';
import { execTarget, SessionPlugin } from './aws/session-plugin';
import { shellWords } from './aws/shell-words';
import { textOption } from './command';
import type { CommandResult, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { missingError, usageError } from './exit-codes';

const SHELL = ['/bin/sh'];

export const exec: OperationsCommand = {
  name: 'exec',
  summary: 'Open a shell, or run a command, in a container that runs',
  description:
    "Open a shell, or run a command, in a running container of a process, by ECS Exec. Needs fleet.ecsExec and AWS's session-manager-plugin on this machine. What is changed in a container goes away with it; run starts one of its own.",
  words: { '<process>': 'web, worker-KIND or scheduler', '[command...]': 'behind --: a command (default: /bin/sh)' },
  options: { '--task <id>': 'the task, or the beginning of its id (default: any)' },
  examples: ['exec web --stage production', 'exec worker-default -- node --version', 'exec web --task 3f2a1b'],
  notLocal: 'open a shell of this machine',
  async run(context, input) {
    const [process = '', ...command] = input.words;
    if (context.terminal.json) throw usageError('exec is for a terminal and has no --json: use run for its output.');
    const configuration = await context.configuration();
    if (!configuration.fleet.ecsExec) {
      throw usageError(
        `fleet.ecsExec of stage ${context.stage} is false; allowed is exec with it alone: set it to true and deploy, or use npx holdfast run --process ${process} -- COMMAND.`,
      );
    }
    const plugin = await SessionPlugin.find(context);
    const aws = await context.aws();
    const service = serviceNamed(await servicesOf(aws, configuration), process);
    if (service.enableExecuteCommand !== true) {
      throw usageError(
        `ECS Exec is off for ${process}, though fleet.ecsExec is true: deploy, so that new containers have it.`,
      );
    }
    const arn = await taskOf(context, process, textOption(input, 'task'));
    return open(context, plugin, { arn, process, command: command.length === 0 ? SHELL : command });
  },
};

async function taskOf(context: OperationsContext, process: string, asked: string | undefined): Promise<string> {
  const { ecs } = await context.aws();
  const cluster = clusterName(await context.configuration());
  const { taskArns = [] } = await ecs.send(
    new ListTasksCommand({ cluster, serviceName: process, desiredStatus: 'RUNNING' }),
  );
  const ids = taskArns.map((arn) => arn.split('/').at(-1) ?? '');
  if (taskArns.length === 0) throw missingError(`No container of ${process} runs: see npx holdfast status.`);
  const found = taskArns.find((_, at) => asked === undefined || ids[at]?.startsWith(asked));
  if (found !== undefined) return found;
  throw missingError(
    `--task is "${asked ?? ''}"; allowed is ${ids.join(' or ')}: write --task ${ids[0]?.slice(0, 8) ?? ''}, or leave it out.`,
  );
}

async function open(
  context: OperationsContext,
  plugin: SessionPlugin,
  { arn, process, command }: { readonly arn: string; readonly process: string; readonly command: readonly string[] },
): Promise<CommandResult> {
  const aws = await context.aws();
  const cluster = clusterName(await context.configuration());
  const { session } = await context.terminal.during('Opening a terminal', () =>
    plugin.whenConnected(() =>
      aws.ecs.send(
        new ExecuteCommandCommand({
          cluster,
          task: arn,
          container: process,
          command: shellWords(command),
          interactive: true,
        }),
      ),
    ),
  );
  const Target = await execTarget(aws, { cluster, arn, container: process });
  return { data: {}, view: [], exitCode: await plugin.open(session, { Target }) };
}
