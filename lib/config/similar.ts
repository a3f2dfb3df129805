/** Edits after which two words still count as a slip: one in short words, two in others. */
const SHORT_WORD = 4;

/** The word that was probably meant, if one is so near or begins with the whole of what was given. */
export function similarTo(word: string, words: readonly string[]): string | undefined {
  const limit = word.length <= SHORT_WORD ? 1 : 2;
  const given = word.toLowerCase();
  const near = words.map((other) => ({ other, edits: slips(given, other.toLowerCase()) }));
  return near.filter((each) => each.edits <= limit).sort((a, b) => a.edits - b.edits)[0]?.other;
}

/** Whether one slip, or the case of letters, makes the difference between two words. */
export function isOneSlipFrom(word: string, other: string): boolean {
  return word !== other && edits(word.toLowerCase(), other.toLowerCase()) <= 1;
}

function slips(given: string, other: string): number {
  return given !== '' && other.startsWith(given) ? Math.min(1, edits(given, other)) : edits(given, other);
}

/** Letters to insert, delete, replace or swap with their neighbour: the optimal string alignment distance. */
function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      (rows[row] ?? []).push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + same,
          swapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
