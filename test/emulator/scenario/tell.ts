/** What a step has seen, beside its own line. */
export function tell(line: string): void {
  console.log(line.replaceAll(/^/gm, '       '));
}

/** @param began of `performance.now()`. */
export const secondsSince = (began: number): string => ((performance.now() - began) / 1000).toFixed(1);
