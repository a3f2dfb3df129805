import fc from 'fast-check';
import { allComesThroughRedis, BACKGROUND_COMMANDS } from './background-commands';
import { ALL_COMMANDS, compare } from './commands';
import { LedgerModel } from './ledger-model';
import { openSystem } from './system';
import type { System } from './system';

/** HOLDFAST_MODEL_RUNS=1000 npm test -- app/test/tasks/model */
const RUNS = Number(process.env['HOLDFAST_MODEL_RUNS'] ?? 40);

let system: System;
beforeAll(async () => {
  system = await openSystem();
});
afterAll(() => system.close());

it(
  'whatever is accepted, claimed, ended, lost, taken back and repeated in whatever order, the ledger is as the rules say',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.commands([...ALL_COMMANDS, ...BACKGROUND_COMMANDS], { maxCommands: 80, size: 'max' }),
        async (commands) => {
          await system.reset();
          const model = new LedgerModel();
          await fc.asyncModelRun(() => ({ model, real: system }), commands);
          await allComesThroughRedis(model, system);
          await compare(model, system);
        },
      ),
      { numRuns: RUNS, endOnFailure: false },
    );
  },
  RUNS * 2_000,
);
