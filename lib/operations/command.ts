import type { OperationsContext } from './context';
import type { Block } from './output/block';

/** What a person typed behind the command's name. */
export interface Input {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a command found out or did: for programs and for people. */
export interface CommandResult {
  /** Printed with --json. Keys are documented in docs/operations.md and stay; new ones may come. */
  readonly data: object;
  readonly view: readonly Block[];
  /** One of EXIT, or that of the program that the command has run. @default 0 */
  readonly exitCode?: number;
}

export interface OperationsCommand {
  readonly name: string;
  /** One line of the list of commands, without a full stop. */
  readonly summary: string;
  /** More sentences for its --help. @default - the summary */
  readonly description?: string;
  /** In the form of commander: `<id>`, `[name]`, `<words...>`, each with what it is. @default - none */
  readonly words?: Readonly<Record<string, string>>;
  /** In the form of commander: `--kind <name>`, each with what it does. @default - none but those of all commands */
  readonly options?: Readonly<Record<string, string>>;
  /** Whole command lines, the first as for `production`. */
  readonly examples: readonly [string, ...string[]];
  /** Why it cannot be done with `--stage local`, as the end of a sentence. @default - it can */
  readonly notLocal?: string;
  /** @returns undefined where it has written its output itself, such as one that follows a log. */
  run(context: OperationsContext, input: Input): Promise<CommandResult | undefined>;
}

/** The value of an option that takes one; undefined when it is not given. */
export function textOption({ options }: Input, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function isSet({ options }: Input, name: string): boolean {
  return options[name] === true;
}
