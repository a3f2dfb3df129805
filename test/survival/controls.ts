import type { Mutant } from './mutant';
import { perform } from './perform';
import { rowOf } from './rows';
import { runEngineTest } from './system/engine-test';
import { otherBuild, WITH_TESTS } from './system/other-build';

/** Runs each row and each test that is to catch mutants once on a copy without a change, built as the mutants are. */
export class Controls {
  private readonly seen = new Map<string, Promise<readonly string[]>>();
  private copy: string | undefined;

  /** What was red in it; empty when it held. @throws Error when there is no such row or test */
  red(caughtBy: Mutant['caughtBy'], seed: number): Promise<readonly string[]> {
    const key = 'row' in caughtBy ? caughtBy.row : `${caughtBy.file} ${caughtBy.name}`;
    const red = this.seen.get(key) ?? this.run(caughtBy, seed);
    this.seen.set(key, red);
    return red;
  }

  private async run(caughtBy: Mutant['caughtBy'], seed: number): Promise<readonly string[]> {
    const folder = (this.copy ??= otherBuild([], WITH_TESTS));
    if ('row' in caughtBy) {
      const options = { system: { build: () => folder }, extent: 'quick' } as const;
      return (await perform(rowOf(caughtBy.row), seed, options)).broken;
    }
    const { differences, troubles } = await runEngineTest(folder, caughtBy);
    return [...differences, ...troubles];
  }
}
