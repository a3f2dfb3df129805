import { DEFAULT_FILE } from '../deployment-file';
import { cdkContext } from './cdk-context';
import type { CommandResult } from './command';
import { LOCAL, OperationsContext } from './context';
import { EXIT, OperationsError, usageError } from './exit-codes';
import { render } from './output/render';
import { Terminal } from './output/terminal';
import type { Streams } from './output/terminal';
import { readCommandLine } from './program';
import type { GlobalOptions, Request } from './program';

export interface MainOptions extends Streams {
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** The project's folder. */
  readonly root: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs one command line and says how it ended; nothing is thrown. */
export async function main(options: MainOptions): Promise<number> {
  try {
    const request = readCommandLine(options.words, (help) => options.output.write(help));
    if (request === undefined) return EXIT.done;
    return await runRequest(request, options);
  } catch (error) {
    if (options.signal.aborted && !(error instanceof OperationsError)) return EXIT.interrupted;
    options.errors.write(`${sentenceOf(error, options.environment)}\n`);
    return error instanceof OperationsError ? error.exitCode : EXIT.internal;
  }
}

async function runRequest({ command, words, options: given }: Request, options: MainOptions): Promise<number> {
  const { environment, root, signal } = options;
  const terminal = new Terminal({
    ...{ input: options.input, output: options.output, errors: options.errors, signal },
    json: given.json ?? false,
    yes: given.yes ?? false,
    color: given.color && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb',
  });
  const stage = stageOf(given, environment, root);
  if (stage === LOCAL && command.notLocal !== undefined) {
    throw usageError(`${command.name} does nothing with --stage ${LOCAL}: ${command.notLocal}.`);
  }
  // As `npx cdk` does without -c config=….
  const file = given.config ?? cdkContext(root)['config'] ?? DEFAULT_FILE;
  const context = new OperationsContext({ stage, file, root, environment, terminal, signal });
  const result = await command.run(context, { words, options: given });
  if (result === undefined) return EXIT.done;
  print(result, terminal);
  return result.exitCode ?? EXIT.done;
}

function print(result: CommandResult, terminal: Terminal): void {
  terminal.write(
    terminal.json ? `${JSON.stringify(result.data, undefined, 2)}\n` : render(result.view, terminal.rendering),
  );
}

/** What is named, else HOLDFAST_STAGE, else what `npx cdk` takes too. */
function stageOf({ stage }: GlobalOptions, environment: NodeJS.ProcessEnv, root: string): string {
  const fromEnvironment = environment['HOLDFAST_STAGE'];
  const chosen = stage ?? (fromEnvironment === '' ? undefined : fromEnvironment) ?? cdkContext(root)['stage'] ?? 'dev';
  if (chosen.trim() !== '') return chosen;
  throw usageError('--stage is empty; allowed is a stage of the configuration, or local: write --stage dev.');
}

function sentenceOf(error: unknown, environment: NodeJS.ProcessEnv): string {
  if (error instanceof OperationsError) return error.message;
  if (environment['HOLDFAST_DEBUG']) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const what = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0] ?? ''}` : String(error);
  return `holdfast has a mistake of its own (${what}); HOLDFAST_DEBUG=1 shows where.`;
}
