import { styleText } from 'node:util';
import type { Block, Cell, Column, Tone } from './block';

export interface RenderOptions {
  readonly color: boolean;
  /** Characters a line. */
  readonly width: number;
}

type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<Tone, Style>> = {
  good: 'green',
  bad: ['bold', 'red'],
  warning: 'yellow',
  quiet: 'dim',
  strong: 'bold',
};
const BETWEEN = '  ';
/** A column is not cut below this. */
const LEAST_WIDTH = 8;

/** The blocks as text that ends with a line break; empty for none. */
export function render(blocks: readonly Block[], options: RenderOptions): string {
  return blocks
    .flatMap((block) => linesOf(block, options))
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(block: Block, options: RenderOptions): string[] {
  switch (block.kind) {
    case 'gap':
      return [''];
    case 'title':
      return [paint('strong', block.text, options)];
    case 'lines':
      return [...block.lines];
    case 'text':
      return wrap(textOf(block.text), options.width, block).map((line) => painted(block.text, line, options));
    case 'pairs':
      return pairLines(block.rows, options);
    case 'table':
      return tableLines(block.columns, block.rows, options);
  }
}

function pairLines(rows: readonly (readonly [string, Cell])[], options: RenderOptions): string[] {
  const label = Math.max(0, ...rows.map(([name]) => name.length));
  const indent = label + BETWEEN.length;
  return rows.flatMap(([name, cell]) =>
    wrap(textOf(cell), options.width - indent).map(
      (line, index) =>
        `${paint('quiet', (index === 0 ? name : '').padEnd(label), options)}${BETWEEN}${painted(cell, line, options)}`,
    ),
  );
}

function tableLines(columns: readonly Column[], rows: readonly (readonly Cell[])[], options: RenderOptions): string[] {
  const widths = fit(
    columns,
    columns.map(({ heading }, at) => Math.max(heading.length, ...rows.map((row) => textOf(row[at] ?? '').length))),
    options.width,
  );
  const line = (cells: readonly Cell[], tone?: Tone): string =>
    columns
      .map((column, at) => {
        const cell = cells[at] ?? '';
        const shown = pad(cut(textOf(cell), widths[at] ?? 0, column), widths[at] ?? 0, column);
        return tone === undefined ? painted(cell, shown, options) : paint(tone, shown, options);
      })
      .join(BETWEEN)
      .replace(/ +$/, '');
  return [
    line(
      columns.map(({ heading }) => heading),
      'quiet',
    ),
    ...rows.map((row) => line(row)),
  ];
}

/** Takes from the columns that may be cut, the widest first, until a line fits; else from the last. */
function fit(columns: readonly Column[], widths: readonly number[], width: number): number[] {
  const fitted = [...widths];
  const total = () => fitted.reduce((sum, each) => sum + each, 0) + BETWEEN.length * (fitted.length - 1);
  const order = columns
    .map((column, at) => ({ at, cuts: column.cuts !== undefined }))
    .filter(({ cuts }) => cuts)
    .sort((a, b) => (widths[b.at] ?? 0) - (widths[a.at] ?? 0));
  for (const { at } of [...order, { at: columns.length - 1 }]) {
    const surplus = total() - width;
    if (surplus <= 0) break;
    const own = fitted[at] ?? 0;
    fitted[at] = Math.max(Math.min(own, LEAST_WIDTH), own - surplus);
  }
  return fitted;
}

function cut(words: string, width: number, { cuts }: Column): string {
  if (words.length <= width) return words;
  if (cuts !== 'middle') return `${words.slice(0, Math.max(0, width - 1))}…`;
  const tail = Math.floor((width - 1) / 2);
  return `${words.slice(0, width - 1 - tail)}…${words.slice(words.length - tail)}`;
}

function pad(words: string, width: number, { align }: Column): string {
  return align === 'right' ? words.padStart(width) : words.padEnd(width);
}

/** Breaks between words; a word that is longer than a line, such as an ARN, stays whole. */
export function wrap(words: string, width: number, { start = 0, indent = 0 } = {}): string[] {
  const lines: string[] = [];
  for (const paragraph of words.split('\n')) {
    let line = ' '.repeat(lines.length === 0 ? start : indent);
    let isEmpty = true;
    for (const word of paragraph.split(' ')) {
      if (!isEmpty && line.length + 1 + word.length > width) {
        lines.push(line);
        line = ' '.repeat(indent);
        isEmpty = true;
      }
      line += isEmpty ? word : ` ${word}`;
      isEmpty = false;
    }
    lines.push(line);
  }
  return lines;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function painted(cell: Cell, words: string, options: RenderOptions): string {
  return typeof cell === 'string' ? words : paint(cell.tone, words, options);
}

/** `tone` in colours, if the terminal has them. */
export function paint(tone: Tone, words: string, { color }: Pick<RenderOptions, 'color'>): string {
  return color && words !== '' ? styleText(STYLES[tone], words, { validateStream: false }) : words;
}
