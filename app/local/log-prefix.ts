import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface RenderOptions {
  readonly color: boolean;
}

/** Wide enough for "scheduler" and "postgres". */
const PREFIX_WIDTH = 9;
const PREFIX_STYLES: Style[] = ['cyan', 'green', 'yellow', 'blue', 'magenta'];
const LEVEL_STYLES: Record<string, Style> = { warn: 'yellow', error: 'red', fatal: ['bold', 'red'] };
/** Shown elsewhere in the line, the same in every line, or of use only in the log files. */
const HIDDEN = new Set(['level', 'time', 'msg', 'pid', 'process', 'hostname', 'err', 'requestId']);
const SHOWN_FIELDS = 6;
const LONGEST_VALUE = 60;

function paint(style: Style, text: string, { color }: RenderOptions): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}

/** The process's name, padded, in a colour that stays the same for this name. */
export function prefix(name: string, options: RenderOptions): string {
  const sum = Buffer.from(name).reduce((total, letter) => total + letter, 0);
  const style = PREFIX_STYLES[sum % PREFIX_STYLES.length] ?? 'cyan';
  return paint(style, name.padEnd(PREFIX_WIDTH), options);
}

/**
 * One line of a process as a person reads it: `worker-1  12:00:01 info  import done  rows=3201`. The app writes JSON,
 * a line an event; other lines are shown as they are.
 */
export function renderLine(name: string, line: string, options: RenderOptions): string {
  const event = parseEvent(line);
  if (!event) return `${prefix(name, options)} ${line}`;
  const level = asText(event['level'] ?? 'info');
  const style = LEVEL_STYLES[level];
  const word = level.padEnd(5);
  const words = [
    paint('dim', clock(event['time']), options),
    style === undefined ? paint('dim', word, options) : paint(style, word, options),
    asText(event['msg']),
    ...[fields(event)].filter(Boolean).map((text) => paint('dim', text, options)),
  ];
  const [error, ...stack] = errorLines(event['err'], level).map((text) => paint('red', text, options));
  if (error !== undefined) words.push(error);
  return [words.join(' '), ...stack].map((text) => `${prefix(name, options)} ${text}`).join('\n');
}

function parseEvent(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Local time of day; pino writes ISO 8601 or milliseconds since 1970. */
function clock(time: unknown): string {
  const date = typeof time === 'string' || typeof time === 'number' ? new Date(time) : new Date();
  return Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8);
}

function fields(event: Record<string, unknown>): string {
  const flat = Object.entries(event).flatMap(([name, value]) => flatten(name, value));
  return flat
    .filter(([name]) => !HIDDEN.has(name))
    .slice(0, SHOWN_FIELDS)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Objects one level deep: req.method, res.statusCode. */
function flatten(name: string, value: unknown): [string, string][] {
  if (HIDDEN.has(name) || value === null || value === undefined || value === '') return [];
  if (typeof value !== 'object') return [[name, shorten(asText(value))]];
  if (Array.isArray(value)) return [[name, shorten(value.map(nameOf).join(','))]];
  return Object.entries(value)
    .filter(([, inner]) => typeof inner !== 'object' && inner !== undefined)
    .map(([key, inner]) => [`${name}.${key}`, shorten(asText(inner))]);
}

/** Things in a list are shown by their name. */
function nameOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'name' in value ? asText(value.name) : asText(value);
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE - 1)}…`;
}

/** An error's own words; its stack follows where the process failed by it. */
function errorLines(error: unknown, level: string): string[] {
  if (typeof error !== 'object' || error === null) return [asText(error)].filter(Boolean);
  const { type, message, stack } = error as Record<string, unknown>;
  if (typeof stack === 'string' && (level === 'fatal' || level === 'error')) return stack.split('\n');
  return [`${asText(type ?? 'Error')}: ${asText(message)}`];
}
