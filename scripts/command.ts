import { parseArgs } from 'node:util';
import { ConfigurationError, stagesOf } from '../lib/config';
import type { Configuration } from '../lib/config';
import { similarTo } from '../lib/config/similar';
import { DEFAULT_FILE, readDeployment } from '../lib/deployment-file';

/** What is wrong with a command, in a sentence. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface Options {
  /** The configuration file. */
  readonly config: string;
  /** @default - the command chooses */
  readonly stage?: string;
  /** The file to write. @default - the page of this repository, or none for another configuration or stage */
  readonly out?: string;
}

const OPTIONS = { config: 'string', stage: 'string', out: 'string', help: 'boolean' } as const;

/**
 * The options of a command, or undefined when its help is asked for.
 * @param page what is written when nothing else is asked for: another configuration or stage would make it untrue.
 * @throws CommandError for an option that there is not.
 */
export function optionsOf(words: readonly string[], page: string): Options | undefined {
  const known = Object.keys(OPTIONS).map((name) => `--${name}`);
  const { tokens } = parseArgs({ args: [...words], options: optionTypes(), strict: false, tokens: true });
  const values: Partial<Record<string, string>> = {};
  for (const token of tokens) {
    const given = token.kind === 'option' ? token.rawName : token.kind === 'positional' ? token.value : '--';
    if (token.kind !== 'option' || !known.includes(given)) {
      const meant = similarTo(given, known);
      throw new CommandError(
        `The command has "${given}"; allowed are ${known.join(', ')}${meant === undefined ? ': leave it out' : `: write ${meant}`}.`,
      );
    }
    if (token.name === 'help') return undefined;
    if (token.value === undefined || token.value === '') {
      throw new CommandError(
        `${given} has no value; allowed is one behind it: write ${given} ${EXAMPLES[given] ?? ''}.`,
      );
    }
    values[token.name] = token.value;
  }
  const { config, stage, out } = values;
  const file = out ?? (config === undefined && stage === undefined ? page : undefined);
  return {
    config: config ?? DEFAULT_FILE,
    ...(stage === undefined ? {} : { stage }),
    ...(file === undefined ? {} : { out: file }),
  };
}

const EXAMPLES: Readonly<Record<string, string>> = {
  '--config': 'holdfast.config.ts',
  '--stage': 'production',
  '--out': 'FILE',
};

function optionTypes() {
  return Object.fromEntries(Object.entries(OPTIONS).map(([name, type]) => [name, { type }]));
}

/**
 * Reads the configuration and chooses the stage: the one that is named, `production`, or else the last.
 * @throws CommandError when there is no such stage, ConfigurationError for what the file lacks.
 */
export async function configurationOf({ config, stage }: Options): Promise<{
  readonly configuration: Configuration;
  readonly stage: string;
}> {
  const { default: configuration } = await readDeployment(config);
  const stages = stagesOf(configuration);
  const chosen = stage ?? (stages.includes('production') ? 'production' : stages.at(-1)) ?? '';
  if (stages.includes(chosen)) return { configuration, stage: chosen };
  throw new CommandError(
    `--stage is "${chosen}"; allowed is ${stages.join(' or ')}: write --stage ${similarTo(chosen, stages) ?? stages[0] ?? ''}.`,
  );
}

/** Runs a command; what a person can mend is told without a stack trace. Exit code 1: not done. */
export function runCommand(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const isTold = error instanceof CommandError || error instanceof ConfigurationError;
    console.error(isTold ? error.message : error);
    process.exitCode = 1;
  });
}
