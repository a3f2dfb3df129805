const PLAIN = /^[\w@%+=:,./-]+$/;

/** Words as the one line that a shell, or an agent that reads like one, takes apart into the same words. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
}
