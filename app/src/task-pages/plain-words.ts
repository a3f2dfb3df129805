/** Without the class of the error, which stands before the message and means nothing to readers. */
export function inPlainWords(error: string): string {
  return error.replace(/^\w*(?:Error|NonRetryable|Discard|Parked): /, '');
}
