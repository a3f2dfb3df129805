/** Says on stderr what is being measured: one line that is rewritten on a terminal, one line a step elsewhere. */
export interface Progress {
  say(text: string): void;
  /** Takes the line away, so that what follows starts on a clean one. */
  clear(): void;
}

const COLUMNS = 80;
/** Returns to the beginning of the line and erases it: ECMA-48, CR and EL. */
const ERASE = '\r\u001B[K';

export function createProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) {
    return { say: (text) => void stream.write(`${text}\n`), clear: () => undefined };
  }
  return {
    // A line that wraps could not be rewritten.
    say: (text) => void stream.write(ERASE + text.slice(0, Math.min(COLUMNS, stream.columns || COLUMNS) - 1)),
    clear: () => void stream.write(ERASE),
  };
}
