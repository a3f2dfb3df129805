import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestRun } from '../../app/test/servers/open-test-run';
import { perform } from './perform';
import { json, markdown, table } from './report';
import type { Verdict } from './row';
import { ROWS } from './rows';

const HELP = `Usage: npm run survive -- [options] [ROW...]

Starts the app's real processes with a PostgreSQL and a Redis of their own, brings
one fault after the other over them under load, and counts afterwards what became
of every task that a caller was told of. ROW is an id such as R2; all when left out.

Options
  --seed N   of everything random (a new one each time, printed)
  --list     the rows and what must hold
  --write    writes the report to docs/evidence/survival.{md,json}
  --json     prints the report for programs
  --help     this text

Exit codes: 0 all held, 1 something did not, 2 wrong usage, 130 interrupted.`;

const EVIDENCE = join(__dirname, '../../docs/evidence');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      list: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP);
  if (values.list)
    return print(ROWS.map(({ id, fault, mustHold }) => `${id.padEnd(4)} ${fault}: ${mustHold}`).join('\n'));
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    return wrong(`--seed is ${values.seed}; allowed is a whole number from 0 on.`);
  const unknown = positionals.filter((id) => !ROWS.some((row) => row.id === id.toUpperCase()));
  if (unknown.length > 0) {
    return wrong(`There is no row ${unknown.join(', ')}; the rows are ${ROWS.map(({ id }) => id).join(' ')}.`);
  }
  const wanted = positionals.map((id) => id.toUpperCase());
  const rows = ROWS.filter(({ id }) => wanted.length === 0 || wanted.includes(id));

  const run = openTestRun();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The reaper ends what this run has started.
    process.once(signal, () => process.exit(130));
  }
  process.stderr.write(`seed ${seed}\n`);
  const verdicts: Verdict[] = [];
  for (const row of rows) {
    process.stderr.write(`${row.id}: ${row.fault} ...\n`);
    const verdict = await perform(row, seed);
    verdicts.push(verdict);
    for (const note of verdict.notes) process.stderr.write(`  ${note}\n`);
    process.stderr.write(
      `  ${verdict.broken.length === 0 ? 'held' : 'BROKEN'} after ${verdict.seconds.toFixed(0)} s\n`,
    );
    for (const sentence of verdict.broken) process.stderr.write(`  ${sentence}\n`);
  }
  await run.reaper.finish();
  if (values.write) {
    mkdirSync(EVIDENCE, { recursive: true });
    const command = `npm run survive -- ${[...wanted, `--seed ${seed}`].join(' ')}`;
    writeFileSync(join(EVIDENCE, 'survival.md'), markdown(verdicts, { seed, command }));
    writeFileSync(join(EVIDENCE, 'survival.json'), `${json(verdicts, seed)}\n`);
  }
  print(values.json ? json(verdicts, seed) : table(verdicts));
  return verdicts.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function wrong(text: string): number {
  process.stderr.write(`${text}\n`);
  return 2;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
