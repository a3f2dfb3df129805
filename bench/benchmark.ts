import type { BenchOptions } from './arguments';
import type { Progress } from './progress';
import type { Report } from './report';
import type { Servers } from './servers';

export interface BenchContext {
  readonly servers: Servers;
  readonly options: BenchOptions;
  readonly progress: Progress;
  /** Aborts when the run is interrupted. */
  readonly signal: AbortSignal;
}

/** One benchmark of `npm run bench`. */
export interface Benchmark {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** Ids of what it measures, for `--only`. */
  readonly figures: readonly string[];
  run(context: BenchContext): Promise<Report>;
}
