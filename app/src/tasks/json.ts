/** What JSON.stringify really returns: undefined for undefined, functions and symbols. */
export function toJson(value: unknown, replace?: (key: string, value: unknown) => unknown): string | undefined {
  return JSON.stringify(value, replace);
}
