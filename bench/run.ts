import type { BenchOptions } from './arguments';
import { parseArguments, UsageError } from './arguments';
import type { Benchmark } from './benchmark';
import { cacheBenchmark } from './cache/cache-benchmark';
import { createProgress } from './progress';
import { reportText } from './report';
import { startServers } from './servers';
import { tasksBenchmark } from './tasks/tasks-benchmark';

const benchmarks: readonly Benchmark[] = [tasksBenchmark, cacheBenchmark];

const help = `Usage: npm run bench -- <name> [options]

Measures two ways to do the same in one run, on servers of its own.

Benchmarks
${benchmarks.map(({ name, summary }) => `  ${name.padEnd(18)}${summary}`).join('\n')}

Options
  --rounds N          interleaved rounds, of which the median counts (3)
  --tasks N           tasks in each measurement (50000)
  --only ID[,ID]      measures only these and what belongs to them (all)
  --json              prints the result for programs
  --postgres-bin DIR  folder of another PostgreSQL (15 to 18)
  --help              this text

Exit codes: 0 measured, 1 failed (also when a task was lost), 2 wrong usage,
130 interrupted.`;

/** Runs one benchmark. Whatever happens, no process and no folder is left. */
async function measure(benchmark: Benchmark, options: BenchOptions, signal: AbortSignal): Promise<void> {
  const progress = createProgress(process.stderr);
  progress.say('starting PostgreSQL and Redis');
  const servers = await startServers(options.postgresBin);
  try {
    const report = await benchmark.run({ servers, options, progress, signal });
    progress.clear();
    console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report));
  } finally {
    progress.clear();
    await servers.stop();
  }
}

async function main(): Promise<number> {
  const request = parseArguments(
    process.argv.slice(2),
    benchmarks.map(({ name }) => name),
  );
  const benchmark = request.kind === 'run' && benchmarks.find(({ name }) => name === request.name);
  if (request.kind === 'help' || !benchmark) {
    console.log(help);
    return 0;
  }
  const unknown = request.options.only.find((id) => !benchmark.figures.includes(id));
  if (unknown !== undefined) {
    throw new UsageError(`--only is "${unknown}"; "${benchmark.name}" measures ${benchmark.figures.join(', ')}`);
  }
  const interrupted = new AbortController();
  // Stays for the whole run: an impatient second Ctrl-C must not leave servers behind either.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  try {
    await measure(benchmark, request.options, interrupted.signal);
    return 0;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('interrupted; the servers are stopped and their data is gone');
    return 130;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
