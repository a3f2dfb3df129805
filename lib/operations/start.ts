import { EXIT } from './exit-codes';
import { main } from './main';

/**
 * Makes this process the operations command: reads its words, handles its signals, sets its exit code.
 * @param root the project's folder.
 */
export function start(root: string): void {
  const interrupt = new AbortController();
  process.on('SIGINT', () => {
    // Whoever presses twice does not want to wait for the end of a request.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  process.on('SIGTERM', () => interrupt.abort());
  // A reader such as `head` that has seen enough is no mistake.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.internal),
  );
  void main({
    words: process.argv.slice(2),
    environment: process.env,
    root,
    signal: interrupt.signal,
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
  }).then((code) => {
    process.exitCode = code;
    // Connections that are kept alive would keep the process for seconds more.
    if (process.stdout.writableLength === 0) process.exit();
  });
}
