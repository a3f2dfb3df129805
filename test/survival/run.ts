import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestRun } from '../../app/test/servers/open-test-run';
import { MUTANTS } from './mutants';
import { perform } from './perform';
import { json, markdown, table } from './report';
import type { Verdict } from './row';
import { ROWS } from './rows';
import { randomRow } from './rows/random';
import { otherBuild } from './system/other-build';

const HELP = `Usage: npm run survive -- [options] [ROW...]

Starts the app's real processes with a PostgreSQL and a Redis of their own, brings
one fault after the other over them under load, and counts afterwards what became
of every task that a caller was told of. ROW is an id such as R2; all when left out.

Options
  --seed N     of everything random (a new one each time, printed)
  --minutes N  instead of the rows, random faults for so long
  --mutants    instead of the rows, builds that lack one rule of the engine each:
               does the row that is named beside it catch it?
  --list       the rows and what must hold
  --write      writes the report to docs/evidence
  --json       prints the report for programs
  --help       this text

Exit codes: 0 all held, 1 something did not, 2 wrong usage, 130 interrupted.`;

const MOST_MINUTES = 24 * 60;
const EVIDENCE = join(__dirname, '../../docs/evidence');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      minutes: { type: 'string' },
      mutants: { type: 'boolean', default: false },
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
  const minutes = Number(values.minutes ?? 1);
  if (!(minutes > 0 && minutes <= MOST_MINUTES))
    return wrong(`--minutes is ${values.minutes}; allowed is a number above 0, at most ${MOST_MINUTES}.`);
  if (values.minutes !== undefined && positionals.length > 0)
    return wrong('--minutes goes without rows: its faults come by chance.');
  const wanted = positionals.map((id) => id.toUpperCase());
  const rows =
    values.minutes === undefined
      ? ROWS.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
      : [randomRow(minutes)];

  const run = openTestRun();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The reaper ends what this run has started.
    process.once(signal, () => process.exit(130));
  }
  process.stderr.write(`seed ${seed}\n`);
  if (values.mutants) {
    const caught = await catchMutants(seed);
    await run.reaper.finish();
    return caught ? 0 : 1;
  }
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
    const random = values.minutes === undefined ? [] : [`--minutes ${minutes}`];
    const command = `npm run survive -- ${[...wanted, ...random, `--seed ${seed}`].join(' ')}`;
    const name = values.minutes === undefined ? 'survival' : `random-${seed}`;
    writeFileSync(join(EVIDENCE, `${name}.md`), markdown(verdicts, { seed, command }));
    writeFileSync(join(EVIDENCE, `${name}.json`), `${json(verdicts, seed)}\n`);
  }
  print(values.json ? json(verdicts, seed) : table(verdicts));
  return verdicts.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

/** @returns whether every mutant was caught by a promise that it broke */
async function catchMutants(seed: number): Promise<boolean> {
  let all = true;
  for (const { name, row: id, caughtBy, patches } of MUTANTS) {
    const row = ROWS.find((each) => each.id === id);
    if (row === undefined) throw new Error(`the mutant "${name}" names the row ${id}, which does not exist`);
    const folder = otherBuild(patches);
    const { broken, seconds } = await perform(row, seed, { build: () => folder });
    const sentence = broken.find((each) => caughtBy.test(each));
    all &&= sentence !== undefined;
    print(
      `${sentence === undefined ? 'SURVIVED' : 'caught'.padEnd(8)}  ${id.padEnd(4)} ${name} (${seconds.toFixed(0)} s)`,
    );
    for (const each of sentence === undefined ? broken : [sentence]) print(`          ${each}`);
  }
  return all;
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
