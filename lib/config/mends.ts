import { similarTo } from './similar';

/*
 * How to mend a single value, where that can be told from what was given: the end of a message, behind a colon.
 */

/** The end of a message, or undefined where nothing near is allowed. */
export type Mend = (given: unknown) => string | undefined;

/** A number that was written as text. */
export function asNumber(isAllowed: (value: number) => boolean): Mend {
  return (given) => {
    if (typeof given !== 'string' || !/^\s*[-+]?\d+(\.\d+)?\s*$/.test(given)) return undefined;
    return isAllowed(Number(given)) ? `write ${Number(given)}, without quotes` : undefined;
  };
}

/** True or false that was written as text. */
export const asFlag: Mend = (given) =>
  typeof given === 'string' && /^(true|false)$/i.test(given)
    ? `write ${given.toLowerCase()}, without quotes`
    : undefined;

/** One of a few words, with a slip in it. */
export function asOneOf(words: readonly string[]): Mend {
  return (given) => {
    const meant = typeof given === 'string' ? similarTo(given, words) : undefined;
    return meant === undefined ? undefined : `write '${meant}'`;
  };
}

/** Text that only its quotes, its case, blanks or a final dot keep from being allowed. */
export function asText(pattern: RegExp): Mend {
  return (given) => {
    if (typeof given === 'number' || typeof given === 'boolean') {
      return pattern.test(String(given)) ? `write '${String(given)}', in quotes` : undefined;
    }
    const meant = typeof given === 'string' ? nearText(given, pattern) : undefined;
    return meant === undefined ? undefined : `write '${meant}'`;
  };
}

/** The text in another case, or without blanks or a dot around it, if the pattern takes that. */
export function nearText(given: string, pattern: RegExp): string | undefined {
  const bare = given.trim().replace(/\.$/, '');
  return [given.trim(), bare, bare.toLowerCase(), bare.toUpperCase()].find(
    (each) => each !== given && each !== '' && pattern.test(each),
  );
}

/** The first of several mends that has something to say. */
export function firstOf(...mends: readonly Mend[]): Mend {
  return (given) => {
    for (const mend of mends) {
      const said = mend(given);
      if (said !== undefined) return said;
    }
    return undefined;
  };
}

/** A text of more characters than a name may have. */
export function shorter(most: number): Mend {
  return (given) =>
    typeof given === 'string' && given.length > most
      ? `it has ${given.length} characters, so shorten it by ${given.length - most}`
      : undefined;
}
