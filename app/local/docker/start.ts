import { join } from 'node:path';
import { onSignals } from '../launcher';
import { createOutput } from '../output';
import { createContainerRun } from './container-run';
import { findCompose } from './find-compose';
import { HELP, readDockerOptions } from './options';

/* What `npm run start:docker` runs. Exit codes: 0 stopped as asked, 1 could not start, 2 wrong options, 130 killed. */
const root = join(__dirname, '../../..');
const folder = join(root, '.holdfast-docker');

async function main(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const options = readDockerOptions(words);
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  process.exitCode = 1;
  const output = createOutput({ stream: process.stdout, logFolder: join(folder, 'logs'), environment });
  const compose = await findCompose(environment);
  const run = createContainerRun({
    root,
    folder,
    compose,
    project: 'holdfast',
    port: options.port,
    image: { name: 'holdfast-app:local', build: 'build' },
    environment,
    output,
  });
  if (options.down || options.fresh) await run.remove(options.fresh ? 'drop-volumes' : 'keep-volumes');
  if (options.down) output.say('Containers and network are removed.');
  else await runUntilSignal(run, output.say);
  process.exit(process.exitCode);
}

async function runUntilSignal(run: ReturnType<typeof createContainerRun>, say: (line: string) => void): Promise<void> {
  const interrupt = new AbortController();
  onSignals(run, interrupt, say);
  const interrupted = new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve, { once: true }));
  try {
    await run.start(interrupt.signal);
    await interrupted;
  } catch (error) {
    if (!interrupt.signal.aborted) process.stderr.write(`${sentence(error)}\n`);
  }
  await run.stop();
  if (!interrupt.signal.aborted) return;
  say('Everything is stopped; containers stay until: npm run start:docker -- --down');
  process.exitCode = 0;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main(process.argv.slice(2), process.env).catch((error: unknown) => {
  process.stderr.write(`${sentence(error)}\nSee: npm run start:docker -- --help\n`);
  process.exit(process.exitCode === 1 ? 1 : 2);
});
