import { join } from 'node:path';
import { openFolder } from './folder';
import { createLocalRun, type LocalRun } from './local-run';
import { HELP, type LocalOptions, readOptions } from './options';
import { createOutput } from './output';

/*
 * What `npm start` runs. Exit codes: 0 stopped as asked, 1 could not start, 2 wrong options, 130 killed by a second
 * Ctrl-C.
 */
const root = join(__dirname, '../..');
/** npm hands on a Ctrl-C that the terminal has already delivered; what follows this soon is the same one. */
const SAME_SIGNAL_MILLISECONDS = 300;

function options(): LocalOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${sentence(error)}\nSee: npm start -- --help\n`);
    process.exit(2);
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first signal aborts, a second one kills. */
function onSignals(run: LocalRun, interrupt: AbortController, say: (line: string) => void): void {
  let first: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (first === undefined) {
        first = now;
        say('Stopping: web and workers drain first. Press Ctrl-C again to stop at once.');
        interrupt.abort();
      } else if (now - first > SAME_SIGNAL_MILLISECONDS) {
        say('Stopped at once; tasks that were running are taken up again at the next start.');
        run.kill();
        process.exit(130);
      }
    });
  }
}

async function main(): Promise<void> {
  const chosen = options();
  if (chosen.help) {
    process.stdout.write(HELP);
    return;
  }
  const folder = openFolder(join(root, '.holdfast'));
  const output = createOutput({ stream: process.stdout, logFolder: folder.logs, environment: process.env });
  const run = createLocalRun({ options: chosen, root, folder, output, environment: process.env });
  const interrupt = new AbortController();
  onSignals(run, interrupt, output.say);
  const interrupted = new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve, { once: true }));
  try {
    await run.start(interrupt.signal);
    await interrupted;
  } catch (error) {
    if (!interrupt.signal.aborted) {
      process.stderr.write(`${sentence(error)}\n`);
      process.exitCode = 1;
    }
  }
  await run.stop();
  if (interrupt.signal.aborted) output.say('Everything is stopped.');
  process.exit();
}

void main();
