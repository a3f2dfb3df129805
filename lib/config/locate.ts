/** Where a value stands, as a person finds it: `stages.production.fleet.min`, or `fleet.min` in the common part. */
export type Locate = (...path: readonly string[]) => string;

/** Locations in a stage's resolved configuration, for those who have nothing else. */
export const inResolved: Locate = (...path) => path.join('.');
