import { ConfigurationError } from './config';
import { isOneSlipFrom } from './config/similar';
import { DEFAULT_FILE } from './deployment-file';

export interface DeploymentContext {
  readonly stage: string;
  /** The configuration file, relative to the folder that the command runs in. */
  readonly file: string;
}

const KEYS = ['stage', 'config'] as const;

/**
 * What `-c stage=…` and `-c config=…` say. A slip in one of the two names would deploy another stage than is meant, so
 * a key that is one letter away from them is refused; other keys are the user's own, or the CDK's.
 * @param context all keys and values that the CDK's command line passes.
 * @throws ConfigurationError when the stage is empty, or a key is mistyped.
 */
export function readContext(context: Readonly<Record<string, unknown>>): DeploymentContext {
  const mistakes = Object.keys(context).flatMap((key) => {
    const meant = KEYS.find((known) => isOneSlipFrom(key, known));
    if (meant === undefined || KEYS.some((known) => known === key)) return [];
    return [`-c has the key "${key}"; allowed are stage and config: write -c ${meant}=${String(context[key])}.`];
  });
  const textOf = (key: (typeof KEYS)[number], otherwise: string): string => {
    const value = context[key] ?? otherwise;
    if (typeof value === 'string') return value;
    mistakes.push(`The context's ${key} is ${JSON.stringify(value)}; allowed is text: write it in quotes.`);
    return otherwise;
  };
  const stage = textOf('stage', 'dev');
  const file = textOf('config', DEFAULT_FILE);
  if (stage.trim() === '') {
    mistakes.push('-c stage= is empty; allowed is a stage of the configuration: write -c stage=dev, or leave it out.');
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  return { stage, file };
}
