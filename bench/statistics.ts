/** What the rounds of one measurement came to. Medians, because one disturbed round must not move the figure. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order in which they were measured. */
  readonly rounds: readonly number[];
}

/** @throws Error when there is no value. */
export function summarise(rounds: readonly number[]): Summary {
  return { median: quantile(rounds, 0.5), min: Math.min(...rounds), max: Math.max(...rounds), rounds };
}

/**
 * The value below which the share `q` (0 to 1) of `values` lies, interpolated between its neighbours.
 * @throws Error when there is no value.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  if (below === undefined || above === undefined) throw new Error('a quantile needs at least one value');
  return below + (above - below) * (position - Math.floor(position));
}
