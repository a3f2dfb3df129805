import { EXIT } from './exit-codes';
import type { ExitCode } from './exit-codes';
import { main } from './main';

/**
 * Makes this process the operations command: reads its words, handles its signals, sets its exit code.
 * @param root the project's folder.
 */
export function start(root: string): void {
  const interrupt = new AbortController();
  let hasEnded = false;
  /** Why standard output takes nothing more; it goes before what the command ends with. */
  let broken: ExitCode | undefined;
  process.on('SIGINT', () => {
    // Whoever presses twice does not want to wait for the end of a request.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  // SIGHUP: the terminal was closed.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    // A reader such as `head` that has seen enough is no mistake, but what goes on for it has to be ended.
    broken ??= code === 'EPIPE' ? EXIT.done : EXIT.internal;
    if (hasEnded) process.exit(broken);
    interrupt.abort();
  });
  // Who no longer reads it cannot be told so.
  process.stderr.on('error', () => undefined);
  void main({
    words: process.argv.slice(2),
    environment: process.env,
    root,
    signal: interrupt.signal,
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
  }).then((code) => {
    hasEnded = true;
    process.exitCode = broken ?? code;
    // Connections that are kept alive would keep the process for seconds more.
    if (broken !== undefined || process.stdout.writableLength === 0) process.exit();
  });
}
