import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestRun } from '../../app/test/servers/open-test-run';
import { catchMutant } from './catch-mutant';
import type { Catch } from './catch-mutant';
import { Controls } from './controls';
import { MUTANTS } from './mutants';
import type { Mutant } from './mutant';
import { allCaught, mutantsJson, mutantsMarkdown, mutantsTable } from './mutants-report';
import { perform } from './perform';
import { readProvenance } from './provenance';
import type { Provenance } from './provenance';
import { json, list, markdown, table } from './report';
import type { Row, Verdict } from './row';
import { ROWS } from './rows';
import { randomRow } from './rows/random';

const HELP = `Usage: npm run survive -- [options] [ROW...]
       npm run survive -- --mutants [options] [NAME...]

Starts the app's real processes with a PostgreSQL and a Redis of their own, brings
one fault after the other over them under load, and counts afterwards what became
of every task that a caller was told of. ROW is an id such as R2; all when left out.

Options
  --seed N     of everything random (a new one each time, printed)
  --minutes N  instead of the rows, random faults for so long
  --mutants    instead of the rows, builds that lack one rule of the engine each:
               does a row, or a test of the engine, see a promise broken by it?
               NAME is a part of a mutant's name; all when left out
  --list       the rows and what must hold
  --write      writes the report to docs/evidence
  --json       prints the report for programs
  --help       this text

Exit codes: 0 all held, 1 something did not, 2 wrong usage, 130 interrupted.`;

const MOST_MINUTES = 24 * 60;
const EVIDENCE = join(__dirname, '../../docs/evidence');

interface Options {
  readonly seed: number;
  /** Instead of rows. */
  readonly minutes: number | undefined;
  readonly mutants: boolean;
  /** Ids of rows, or parts of mutants' names. */
  readonly wanted: readonly string[];
  readonly write: boolean;
  readonly json: boolean;
}

/** What a run leaves behind. */
interface Outcome {
  readonly held: boolean;
  readonly text: string;
  readonly json: string;
  readonly markdown: string;
  /** Of the files in docs/evidence. */
  readonly name: string;
}

async function main(): Promise<number> {
  const { values, positionals: wanted } = parseArgs({
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
  if (values.list) return print(list());
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const options = { ...values, seed: Number(values.seed), minutes, wanted };
  const complaint = complaintAbout(options);
  if (complaint !== undefined) {
    process.stderr.write(`${complaint}\n`);
    return 2;
  }

  const run = openTestRun();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The reaper ends what this run has started.
    process.once(signal, () => process.exit(130));
  }
  process.stderr.write(`seed ${options.seed}\n`);
  const provenance = await readProvenance();
  const outcome = await (options.mutants ? catchMutants : performRows)(options, provenance);
  await run.reaper.finish();
  if (options.write) {
    mkdirSync(EVIDENCE, { recursive: true });
    writeFileSync(join(EVIDENCE, `${outcome.name}.md`), outcome.markdown);
    writeFileSync(join(EVIDENCE, `${outcome.name}.json`), `${outcome.json}\n`);
  }
  print(options.json ? outcome.json : outcome.text);
  return outcome.held ? 0 : 1;
}

/** What is wrong with the options, in a sentence. */
function complaintAbout({ seed, minutes, mutants, wanted }: Options): string | undefined {
  if (!Number.isSafeInteger(seed) || seed < 0) return '--seed takes a whole number from 0 on.';
  if (minutes !== undefined && !(minutes > 0 && minutes <= MOST_MINUTES))
    return `--minutes takes a number above 0, at most ${MOST_MINUTES}.`;
  if (minutes !== undefined && mutants) return 'Either --minutes or --mutants: a mutant has its row, not chance.';
  if (minutes !== undefined && wanted.length > 0) return '--minutes goes without rows: its faults come by chance.';
  const known = (name: string): boolean => (mutants ? mutantsNamed([name]) : rowsNamed([name])).length > 0;
  const unknown = wanted.filter((name) => !known(name));
  if (unknown.length === 0) return undefined;
  return mutants
    ? `No mutant is called ${unknown.join(', ')}; they are: ${MUTANTS.map(({ name }) => name).join('; ')}.`
    : `There is no row ${unknown.join(', ')}; the rows are ${ROWS.map(({ id }) => id).join(' ')}.`;
}

/** All when none is named. */
function rowsNamed(ids: readonly string[]): Row[] {
  const wanted = ids.map((id) => id.toUpperCase());
  return ROWS.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
}

/** All when none is named. */
function mutantsNamed(parts: readonly string[]): Mutant[] {
  return MUTANTS.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
}

async function performRows({ seed, minutes, wanted }: Options, provenance: Provenance): Promise<Outcome> {
  const verdicts: Verdict[] = [];
  for (const row of minutes === undefined ? rowsNamed(wanted) : [randomRow(minutes)]) {
    process.stderr.write(`${row.id}: ${row.fault} ...\n`);
    const verdict = await perform(row, seed);
    verdicts.push(verdict);
    for (const note of verdict.notes) process.stderr.write(`  ${note}\n`);
    process.stderr.write(
      `  ${verdict.broken.length === 0 ? 'held' : 'BROKEN'} after ${verdict.seconds.toFixed(0)} s\n`,
    );
    for (const sentence of verdict.broken) process.stderr.write(`  ${sentence}\n`);
  }
  const random = minutes === undefined ? [] : [`--minutes ${minutes}`];
  const command = `npm run survive -- ${[...wanted, ...random, `--seed ${seed}`].join(' ')}`;
  const all = minutes === undefined && wanted.length === 0;
  return {
    held: verdicts.every(({ broken }) => broken.length === 0),
    text: table(verdicts, { all }),
    json: json(verdicts, { seed, all, provenance }),
    markdown: markdown(verdicts, { seed, command, all, provenance }),
    name: minutes === undefined ? ['survival', ...wanted].join('-') : `random-${seed}`,
  };
}

async function catchMutants({ seed, wanted }: Options, provenance: Provenance): Promise<Outcome> {
  const catches: Catch[] = [];
  const controls = new Controls();
  for (const mutant of mutantsNamed(wanted)) {
    process.stderr.write(`${mutant.name} ...\n`);
    const caught = await catchMutant(mutant, seed, controls);
    catches.push(caught);
    process.stderr.write(`  ${caught.fate} after ${caught.seconds.toFixed(0)} s\n`);
  }
  const command = `npm run survive -- ${['--mutants', ...wanted.map((name) => `'${name}'`), `--seed ${seed}`].join(' ')}`;
  return {
    held: allCaught(catches),
    text: mutantsTable(catches),
    json: mutantsJson(catches, { seed, provenance }),
    markdown: mutantsMarkdown(catches, { command, provenance }),
    name: 'mutants',
  };
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
