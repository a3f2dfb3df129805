import type { EngineTest } from './system/engine-test';
import type { Patch } from './system/other-build';

/** A build with one rule of the engine taken out, and what has to turn red by it. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly caughtBy: RowThatSays | EngineTest;
}

/** A row, and what must be said by it: a broken promise, not only that something took too long. Its control says nothing. */
export interface RowThatSays {
  readonly row: string;
  readonly says: RegExp;
}
