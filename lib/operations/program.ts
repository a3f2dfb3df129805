import { Command, CommanderError } from 'commander';
import type { OperationsCommand } from './command';
import { COMMANDS } from './commands';
import { usageError } from './exit-codes';
import { WIDTH } from './output/terminal';
import { toldUsage } from './usage';

/** What all commands take. */
export interface GlobalOptions {
  readonly stage?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
  /** False with --no-color. */
  readonly color: boolean;
}

/** What was asked for on the command line. */
export interface Request {
  readonly command: OperationsCommand;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>> & GlobalOptions;
}

const EXIT_CODES = `Exit codes: 0 done; 1 done and found something wrong, or not confirmed; 2 wrong
use; 3 credentials; 4 no such stage, stack or thing in it; 5 AWS or the app
answered with an error; 70 a mistake of this command; 130 Ctrl-C.`;

/**
 * Reads the command line.
 * @param print takes help that was asked for.
 * @returns undefined when that was all.
 * @throws OperationsError in one sentence for what is wrong with it.
 */
export function readCommandLine(
  words: readonly string[],
  print: (help: string) => void,
  commands: readonly OperationsCommand[] = COMMANDS,
): Request | undefined {
  let request: Request | undefined;
  const program = quietened(new Command('holdfast'), print)
    .usage('COMMAND [options]')
    .description('Sees to a stage that is deployed, or to the local run with --stage local.')
    .option('--stage <name>', "the stage (default: HOLDFAST_STAGE, else cdk.json's, dev)")
    .option('--config <file>', "the configuration file (default: cdk.json's, else\nholdfast.config.ts)")
    .option('--json', 'print JSON for programs instead of text for people')
    .option('--yes', 'answer questions with yes')
    .option('--no-color', 'no colours; NO_COLOR does the same')
    .helpOption('--help', 'show this text')
    .addHelpText('after', `\nnpx holdfast COMMAND --help shows examples.\n${EXIT_CODES}`);
  program.helpCommand(false);
  for (const command of commands) {
    addCommand(program, command, print, (asked) => {
      request = asked;
    });
  }
  if (words.length === 0) {
    throw usageError(
      `No command is named; allowed are ${commands.map(({ name }) => name).join(', ')}: see npx holdfast --help.`,
    );
  }
  try {
    program.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw toldUsage(error, words, program);
  }
  return request;
}

function addCommand(
  program: Command,
  command: OperationsCommand,
  print: (help: string) => void,
  take: (request: Request) => void,
): void {
  const added = quietened(program.command(command.name), print)
    .summary(command.summary)
    .description(command.description ?? `${command.summary}.`)
    .helpOption('--help', 'show this text')
    .addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  npx holdfast ${example}`).join('\n')}`);
  for (const [name, description] of Object.entries(command.words ?? {})) added.argument(name, description);
  for (const [flags, description] of Object.entries(command.options ?? {})) added.option(flags, description);
  added.action(() => {
    take({ command, words: added.args, options: added.optsWithGlobals() });
  });
}

/** Throws instead of ending the process, says nothing itself, and shows help at the usual width. */
function quietened(command: Command, print: (help: string) => void): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => undefined, getOutHelpWidth: () => WIDTH })
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (each) => each.name() });
}
