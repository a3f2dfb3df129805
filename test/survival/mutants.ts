import type { Patch } from './system/other-build';

/** A build with one rule of the engine taken out, and the row that has to turn red by it. */
export interface Mutant {
  readonly name: string;
  readonly row: string;
  /** What must be said of it: a broken promise, not only that something took too long. */
  readonly caughtBy: RegExp;
  readonly patches: readonly Patch[];
}

/**
 * What the suite must catch. Where two rules hold the same promise, taking one out breaks nothing that can be seen from
 * outside; such mutants (the fence while the state is checked as well, the unique tick while its schedule is locked) are in
 * the tests of app/test/tasks, which look at the one rule.
 */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'effects outside the completing transaction',
    row: 'P1',
    caughtBy: /^more than one effect/,
    patches: [
      {
        file: 'tasks/finishing/finisher.ts',
        from: '          await effects(tx);\n',
        to:
          '          await this.transaction((other) => effects(other));\n' +
          '          await new Promise((resolve) => setTimeout(resolve, 50));\n',
      },
    ],
  },
  {
    name: 'lease never expires',
    row: 'P1',
    caughtBy: /^accepted, and not done/,
    patches: [
      {
        file: 'tasks/leases/reaper.ts',
        from: 'nowMs - before.sinceMs >= leaseMs',
        to: 'nowMs - before.sinceMs >= 1e12',
      },
    ],
  },
  {
    name: 'Postgres path off',
    row: 'R1',
    caughtBy: /^only \d+ were done during the fault/,
    patches: [
      {
        file: 'tasks/claiming/taker.ts',
        from: '  private async fromPostgres(free: number): Promise<number> {\n',
        to: '  private async fromPostgres(free: number): Promise<number> {\n    if (free >= 0) return 0;\n',
      },
    ],
  },
  {
    name: 'heartbeat without the in-hand set',
    row: 'P14',
    caughtBy: /^a task was in the hands of a worker that did not know it/,
    patches: [
      {
        file: 'tasks/leases/lease.sql',
        from: '    and not exists (select from hand h where h.id = t.id and h.fence = t.fence)\n',
        to: '    and false\n',
      },
    ],
  },
  {
    name: 'attempt counted at completion instead of claim',
    row: 'P6',
    caughtBy: /^(accepted, and not done|ended otherwise than they should|an effect of another attempt)/,
    patches: [
      {
        file: 'tasks/claiming/claimed.part.sql',
        from: 'attempts = t.attempts + 1',
        to: 'attempts = t.attempts',
      },
    ],
  },
];
