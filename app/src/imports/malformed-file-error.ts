/** A file that cannot be read to its end: nothing of it is imported. */
export class MalformedFileError extends Error {
  override readonly name = 'MalformedFileError';
  /**
   * @param kind `syntax`: not the format that it claims to be; `content`: well-formed, but not what is wanted
   * @param message a sentence: where, what was found, what is allowed
   */
  constructor(
    readonly kind: 'syntax' | 'content',
    message: string,
  ) {
    super(message);
  }
}
