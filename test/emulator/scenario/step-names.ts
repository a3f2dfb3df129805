/** Steps that stand for faults of the survival suite, whose report names them. */
export const STEP_NAMES = {
  brokenImage: 'a broken image: the deploy tells of that and fails, the old one serves',
  failingMigration: 'a failing migration: the deploy fails and replaces nothing',
} as const;
