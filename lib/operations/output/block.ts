/** What a cell says beyond its words. Colour never says it alone: the words do. */
export type Tone = 'good' | 'bad' | 'warning' | 'quiet' | 'strong';

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column {
  readonly heading: string;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
  /** May be cut with … where the line gets too long. @default - only where nothing else may */
  readonly cuts?: 'end' | 'middle';
}

/** A part of what a command shows to people. */
export type Block =
  | { readonly kind: 'title'; readonly text: string }
  | { readonly kind: 'pairs'; readonly rows: readonly (readonly [string, Cell])[] }
  | { readonly kind: 'table'; readonly columns: readonly Column[]; readonly rows: readonly (readonly Cell[])[] }
  /** Wrapped at 80 columns; the first line is indented by `start` characters, those behind it by `indent`. */
  | { readonly kind: 'text'; readonly text: Cell; readonly start?: number; readonly indent?: number }
  /** As it is. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'gap' };

export const GAP: Block = { kind: 'gap' };

export function title(text: string): Block {
  return { kind: 'title', text };
}

export function text(sentence: Cell): Block {
  return { kind: 'text', text: sentence };
}

export function pairs(...rows: readonly (readonly [string, Cell])[]): Block {
  return { kind: 'pairs', rows };
}

export function good(words: string): Cell {
  return { text: words, tone: 'good' };
}

export function bad(words: string): Cell {
  return { text: words, tone: 'bad' };
}

export function warning(words: string): Cell {
  return { text: words, tone: 'warning' };
}

export function quiet(words: string): Cell {
  return { text: words, tone: 'quiet' };
}
