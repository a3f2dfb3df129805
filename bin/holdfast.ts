import { dirname } from 'node:path';
import { EXIT } from '../lib/operations/exit-codes';
import { main } from '../lib/operations/main';

/* The operations command, `npx holdfast`; docs/operations.md describes it. */
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
  root: dirname(__dirname),
  signal: interrupt.signal,
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
}).then((code) => {
  process.exitCode = code;
  // Connections that are kept alive would keep the process for seconds more.
  if (process.stdout.writableLength === 0) process.exit();
});
