/** CloudFormation shows about 1,000 characters of a failure; the rest of the sentence takes some of them. */
const MAX_CHARACTERS = 600;
const MAX_LINE = 200;

/**
 * The end of a container's log, as much of it as an error of CloudFormation can hold. Of a line in JSON, as the app
 * writes them, only what happened is shown.
 */
export function lastLines(messages: readonly string[]): string {
  const lines = messages.map((message) => shorten(readable(message.trim()))).filter((line) => line !== '');
  const shown: string[] = [];
  for (const line of lines.reverse()) {
    if (shown.join('\n').length + line.length + 1 > MAX_CHARACTERS && shown.length > 0) break;
    shown.unshift(line);
  }
  return shown.join('\n');
}

function readable(line: string): string {
  const entry = parse(line);
  if (entry === undefined || typeof entry.msg !== 'string') return line;
  const { err } = entry;
  const cause = typeof err === 'object' && err !== null && 'message' in err ? `: ${String(err.message)}` : '';
  return `${entry.msg}${cause}`;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function shorten(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line;
}
