import type { Controls } from './controls';
import type { Mutant, RowThatSays } from './mutant';
import { perform } from './perform';
import { rowOf } from './rows';
import { runEngineTest } from './system/engine-test';
import type { EngineTest } from './system/engine-test';
import { otherBuild, WITH_TESTS } from './system/other-build';

/** What became of a mutant. */
export interface Catch {
  readonly mutant: string;
  /** Row or test that was to catch it. */
  readonly place: string;
  /** Which kind of place that is. */
  readonly witness: 'row' | 'test';
  readonly fate: 'caught' | 'SURVIVED' | 'not tried';
  /** The promise that was seen broken, when it was caught. */
  readonly by?: string;
  /** What else was said; why it was not tried. */
  readonly besides: readonly string[];
  readonly seconds: number;
}

/**
 * Builds the mutant and runs what has to turn red by it, after that was green on a build without a change. Never throws: a
 * mutant that cannot be built, or whose control is red, was not tried.
 */
export async function catchMutant(
  { name, patches, caughtBy }: Mutant,
  seed: number,
  controls: Controls,
): Promise<Catch> {
  const began = performance.now();
  const place = 'row' in caughtBy ? `row ${caughtBy.row}` : `app/test/${caughtBy.file}`;
  const witness = 'row' in caughtBy ? 'row' : 'test';
  const seen = await see(caughtBy, patches, seed, controls).catch((error: unknown) => notTried(error));
  return { mutant: name, place, witness, ...seen, seconds: (performance.now() - began) / 1_000 };
}

type Seen = Pick<Catch, 'fate' | 'by' | 'besides'>;

async function see(
  caughtBy: Mutant['caughtBy'],
  patches: Mutant['patches'],
  seed: number,
  controls: Controls,
): Promise<Seen> {
  const mutant = otherBuild(patches, WITH_TESTS);
  const red = await controls.red(caughtBy, seed);
  if (red.length > 0) return { fate: 'not tried', besides: ['its control, an unchanged build, was red', ...red] };
  return 'row' in caughtBy ? byRow(mutant, caughtBy, seed) : byTest(mutant, caughtBy);
}

async function byRow(folder: string, { row, says }: RowThatSays, seed: number): Promise<Seen> {
  const { broken } = await perform(rowOf(row), seed, { system: { build: () => folder }, extent: 'quick' });
  const by = broken.find((sentence) => says.test(sentence));
  if (by === undefined) return { fate: 'SURVIVED', besides: broken };
  return { fate: 'caught', by, besides: broken.filter((sentence) => sentence !== by) };
}

async function byTest(folder: string, test: EngineTest): Promise<Seen> {
  const { differences, troubles } = await runEngineTest(folder, test);
  const besides = [...differences, ...troubles];
  // The name says what is promised. A time-out or an error is no broken promise.
  return differences.length > 0 ? { fate: 'caught', by: test.name, besides } : { fate: 'SURVIVED', besides };
}

function notTried(error: unknown): Seen {
  return { fate: 'not tried', besides: [error instanceof Error ? error.message : String(error)] };
}
