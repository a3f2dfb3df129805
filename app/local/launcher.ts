import { openFolder } from './folder';
import { createLocalRun, type LocalRun } from './local-run';
import { HELP, type LocalOptions, readOptions } from './options';
import { createOutput } from './output';

export interface LauncherOptions {
  /** The project's folder. */
  readonly root: string;
  /** Where everything is kept. */
  readonly folder: string;
  /** The command line's words. */
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** npm hands on a Ctrl-C that the terminal has already delivered; what follows this soon is the same one. */
const SAME_SIGNAL_MILLISECONDS = 300;

/**
 * Runs everything until SIGINT, SIGTERM or SIGHUP, stops it and ends this process. Exit codes: 0 stopped as asked,
 * 1 could not start, 2 wrong options, 130 killed by a second signal.
 */
export async function launch({ root, folder: path, words, environment }: LauncherOptions): Promise<never> {
  const options = optionsOrExit(words);
  if (options.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const folder = openFolder(path);
  const output = createOutput({ stream: process.stdout, logFolder: folder.logs, environment });
  const run = createLocalRun({ options, root, folder, output, environment });
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

function optionsOrExit(words: readonly string[]): LocalOptions {
  try {
    return readOptions(words);
  } catch (error) {
    process.stderr.write(`${sentence(error)}\nSee: npm start -- --help\n`);
    process.exit(2);
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first signal aborts, a second one kills. */
export function onSignals(run: Pick<LocalRun, 'kill'>, interrupt: AbortController, say: (line: string) => void): void {
  let first: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (first === undefined) {
        first = now;
        say('Stopping; web and workers drain first. Ctrl-C again stops at once.');
        interrupt.abort();
      } else if (now - first > SAME_SIGNAL_MILLISECONDS) {
        say('Stopped at once; interrupted tasks go on at the next start.');
        run.kill();
        process.exit(130);
      }
    });
  }
}
