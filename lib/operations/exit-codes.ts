/** How a command ends, as docs/operations.md lists it. */
export const EXIT = {
  done: 0,
  /** It was done and found something wrong, its verdict is bad, or a question was answered with no. */
  found: 1,
  /** The command, its options or the configuration file are wrong. */
  usage: 2,
  /** Credentials are missing, have expired, belong to another account or do not permit the call. */
  credentials: 3,
  /** The stage, its stack, or what was named in it is not there. */
  missing: 4,
  /** AWS or the app answered with an error, or did not answer. */
  unavailable: 5,
  /** A mistake of the command's own. */
  internal: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What keeps a command from being done, in one sentence for people: where, what was given, what is allowed, the mend. */
export class OperationsError extends Error {
  override readonly name: string = 'OperationsError';
  constructor(
    readonly exitCode: ExitCode,
    sentence: string,
    options?: ErrorOptions,
  ) {
    super(sentence, options);
  }

  /** The same, and one sentence more. */
  and(sentence: string): OperationsError {
    return new OperationsError(this.exitCode, `${this.message} ${sentence}`, { cause: this });
  }
}

export function usageError(sentence: string): OperationsError {
  return new OperationsError(EXIT.usage, sentence);
}

export function missingError(sentence: string): OperationsError {
  return new OperationsError(EXIT.missing, sentence);
}
