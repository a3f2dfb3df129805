/** Everything that is wrong with a configuration, one sentence a mistake. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(
    readonly mistakes: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      mistakes.length === 1
        ? `The configuration has a mistake: ${mistakes.join('')}`
        : `The configuration has ${mistakes.length} mistakes:\n${mistakes.map((mistake) => `- ${mistake}`).join('\n')}`,
      options,
    );
  }
}
