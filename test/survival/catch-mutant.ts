import type { Mutant, RowThatSays } from './mutants';
import { perform } from './perform';
import { ROWS } from './rows';
import { runEngineTest } from './system/engine-test';
import type { EngineTest } from './system/engine-test';
import { otherBuild, WITH_TESTS } from './system/other-build';

/** What became of a mutant. */
export interface Catch {
  readonly mutant: string;
  /** Row or test that was to catch it. */
  readonly place: string;
  /** The promise that was seen broken; undefined: the mutant survived. */
  readonly by: string | undefined;
  /** What else was said. */
  readonly besides: readonly string[];
  readonly seconds: number;
}

/** Builds the mutant and runs what has to turn red by it. */
export async function catchMutant({ name, patches, caughtBy }: Mutant, seed: number): Promise<Catch> {
  const began = performance.now();
  const seen =
    'row' in caughtBy
      ? await byRow(otherBuild(patches), caughtBy, seed)
      : await byTest(otherBuild(patches, WITH_TESTS), caughtBy);
  return { mutant: name, ...seen, seconds: (performance.now() - began) / 1_000 };
}

type Seen = Pick<Catch, 'place' | 'by' | 'besides'>;

async function byRow(folder: string, { row: id, says }: RowThatSays, seed: number): Promise<Seen> {
  const row = ROWS.find((each) => each.id === id);
  if (row === undefined) throw new Error(`a mutant names the row ${id}, which does not exist`);
  const { broken } = await perform(row, seed, { build: () => folder });
  const by = broken.find((sentence) => says.test(sentence));
  return { place: `row ${id}`, by, besides: broken.filter((sentence) => sentence !== by) };
}

async function byTest(folder: string, test: EngineTest): Promise<Seen> {
  const { differences, troubles } = await runEngineTest(folder, test);
  // The name says what is promised. A time-out or an error is no broken promise.
  return {
    place: `app/test/${test.file}`,
    by: differences.length > 0 ? test.name : undefined,
    besides: [...differences, ...troubles],
  };
}
