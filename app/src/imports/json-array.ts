import { MalformedFileError } from './malformed-file-error';
import type { RawRow } from './raw-row';

/** Longest element, in bytes: it is held in memory as a whole. */
export const MAX_ELEMENT_BYTES = 256 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Reads a JSON array element by element without ever holding more than one of them. Only strings, brackets and commas
 * are looked at to find where an element ends; `JSON.parse` judges the element itself.
 * @throws MalformedFileError
 */
export async function* readJsonArray(source: AsyncIterable<Uint8Array>): AsyncGenerator<RawRow> {
  const splitter = new ArraySplitter();
  for await (const chunk of source) yield* splitter.push(chunk);
  splitter.end();
}

class ArraySplitter {
  private place: 'before' | 'inside' | 'after' = 'before';
  private row = 1;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private position = 0;
  /** The part of the current element that earlier chunks held. */
  private readonly parts: Uint8Array[] = [];
  private partsBytes = 0;

  /** @returns the elements that this chunk completes. */
  *push(chunk: Uint8Array): Generator<RawRow> {
    let start = 0;
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i] ?? 0;
      if (this.place !== 'inside') {
        this.outside(byte, this.position + i);
        start = i + 1;
      } else if (this.inString) {
        this.insideString(byte);
      } else if (this.endsElement(byte, this.position + i)) {
        yield* this.finish(chunk.subarray(start, i), byte);
        start = i + 1;
      }
    }
    if (this.place === 'inside') this.keep(chunk.subarray(start));
    this.position += chunk.length;
  }

  end(): void {
    if (this.place === 'before') {
      throw new MalformedFileError('syntax', 'The file is empty; send a JSON array of films.');
    }
    if (this.place === 'inside') {
      throw new MalformedFileError('syntax', `The file ends within element ${this.row}; the closing ] is missing.`);
    }
  }

  private outside(byte: number, position: number): void {
    if (WHITE_SPACE.has(byte)) return;
    if (this.place === 'before') {
      if (byte === BYTE_ORDER_MARK[position]) return;
      if (byte !== OPEN_ARRAY) {
        const found = JSON.stringify(String.fromCharCode(byte));
        throw new MalformedFileError(
          'content',
          `The file must be a JSON array, but byte ${position + 1} is ${found} instead of [.`,
        );
      }
      this.place = 'inside';
      return;
    }
    throw new MalformedFileError(
      'syntax',
      `Byte ${position + 1} comes after the array's closing ]; nothing may follow it.`,
    );
  }

  private insideString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private endsElement(byte: number, position: number): boolean {
    switch (byte) {
      case QUOTE:
        this.inString = true;
        return false;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        this.depth += 1;
        return false;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (this.depth === 0 && byte === CLOSE_ARRAY) return true;
        if (this.depth === 0) {
          throw new MalformedFileError(
            'syntax',
            `Element ${this.row}: byte ${position + 1} is a } that nothing opened.`,
          );
        }
        this.depth -= 1;
        return false;
      default:
        return byte === COMMA && this.depth === 0;
    }
  }

  private keep(part: Uint8Array): void {
    this.partsBytes += part.length;
    if (this.partsBytes > MAX_ELEMENT_BYTES) {
      throw new MalformedFileError(
        'content',
        `Element ${this.row} is longer than ${MAX_ELEMENT_BYTES} bytes, the most allowed.`,
      );
    }
    // The source may use the chunk's memory again.
    if (part.length > 0) this.parts.push(Uint8Array.from(part));
  }

  private *finish(lastPart: Uint8Array, delimiter: number): Generator<RawRow> {
    this.keep(lastPart);
    const text = Buffer.concat(this.parts).toString('utf8');
    this.parts.length = 0;
    this.partsBytes = 0;
    const isEmpty = /^[ \t\n\r]*$/.test(text);
    if (delimiter === CLOSE_ARRAY) {
      this.place = 'after';
      if (isEmpty && this.row === 1) return;
    }
    if (isEmpty) {
      throw new MalformedFileError(
        'syntax',
        `Element ${this.row} is missing: there is a comma with nothing before or after it.`,
      );
    }
    yield { row: this.row, value: parseElement(text, this.row) };
    this.row += 1;
  }
}

function parseElement(text: string, row: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MalformedFileError('syntax', `Element ${row} is not JSON: ${reason}.`);
  }
}
