import { signal as send } from '../servers/process-table';
import { type Log, spawnServer } from '../servers/spawn-server';

export interface ToolOptions {
  /** Program and first words, such as `docker compose`. */
  readonly command: readonly [string, ...string[]];
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Log;
  /** Interrupts the program, as Ctrl-C would. */
  readonly signal?: AbortSignal | undefined;
}

/** Lines of a program that failed, as many as fit on a screen beside what was said before. */
const SHOWN_LINES = 12;

/** Runs a program to its end. Throws one sentence and the program's last lines when it fails. */
export async function runTool({ command, words, environment, log, signal }: ToolOptions): Promise<void> {
  signal?.throwIfAborted();
  const [program, ...first] = command;
  const child = await spawnServer({ program, arguments: [...first, ...words], environment, log });
  const interrupt = () => send(-child.pid, 'SIGINT');
  signal?.addEventListener('abort', interrupt, { once: true });
  const ending = await child.ended;
  signal?.removeEventListener('abort', interrupt);
  signal?.throwIfAborted();
  if (ending === 'exit code 0') return;
  const lines = child.lastLines().slice(-SHOWN_LINES);
  throw new Error([`${[...command, words[0]].join(' ')} failed with ${ending}:`, ...lines].join('\n  '));
}

/** What a program printed, without the last line break; undefined when it failed or is not there. */
export async function askTool(
  command: readonly [string, ...string[]],
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const lines: string[] = [];
  try {
    await runTool({ command, words, environment, log: (line) => lines.push(line) });
  } catch {
    return undefined;
  }
  return lines.join('\n');
}
