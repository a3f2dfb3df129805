import { runInProject } from './run-in-project';

/** Stands for one or more lines that were left out. */
export const LEFT_OUT = '…';

export interface TypedCommand {
  readonly command: string;
  /** Lines that stay; each run of others becomes `…`. @default - all */
  readonly keep?: RegExp;
}

/** Commands typed one after another in a shell in the project's folder, and what they print, as text. */
export class Session {
  private readonly lines: string[] = [];

  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  /** The session so far, as it stands in a code block. */
  get text(): string {
    return this.lines.join('\n');
  }

  /** @throws when the command ends with another exit code than 0. */
  async type({ command, keep }: TypedCommand): Promise<void> {
    console.log(`$ ${command}`);
    const { exitCode, output } = await runInProject('sh', ['-c', command], this.environment);
    if (exitCode !== 0) throw new Error(`${command} ended with exit code ${exitCode}:\n${output}`);
    const printed = output.trim().split('\n');
    this.lines.push(...(this.lines.length === 0 ? [] : ['']), `$ ${command}`, ...shortened(printed, keep));
  }
}

/** The lines that match, and `…` for each run of lines that do not; blank ones alone are no run. */
export function shortened(lines: readonly string[], keep?: RegExp): string[] {
  const kept: string[] = [];
  for (const line of lines.map((each) => each.trimEnd())) {
    if (keep === undefined || keep.test(line)) kept.push(line);
    else if (line !== '' && kept.at(-1) !== LEFT_OUT) kept.push(LEFT_OUT);
  }
  return kept;
}
