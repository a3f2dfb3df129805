import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { startAgain } from '../system/start-again';
import type { System } from '../system/system';

/** Until a task that kills its worker each time is dead: it dies with two workers at most, then alone three times. */
const POISON_SECONDS = 180;
/** Those in which it ran alone: before, nobody could know which task had killed the worker. */
const COUNTED_ATTEMPTS = 3;

/** Faults that a task brings over its own worker. */
export const poisonRows: readonly Row[] = [
  {
    id: 'P6',
    fault: 'a task that kills its worker every time',
    mustHold: 'dead with reason after its attempts; the other tasks of that worker are done',
    ownEndings: { 'signal SIGKILL': 2 + COUNTED_ATTEMPTS },
    run: async (trial, system) => {
      const platform = startAgain(system.workers);
      let poison: readonly string[] = [];
      try {
        await trial.disturb({
          begin: async (load) => {
            poison = await trial.post(load, {
              count: 1,
              runMs: 0,
              priority: 'high',
              failTimes: 100,
              failBy: 'crash',
            });
            trial.expectEnding(poison, 'dead');
          },
          last: () => untilDead(system),
          goesOn: ['accepting', 'working'],
        });
      } finally {
        await platform.stop();
      }
      const [dead] = await system.ledger.tasks(poison);
      trial.check(
        dead?.attempts === COUNTED_ATTEMPTS,
        `the task that kills was dead after ${dead?.attempts} counted attempts, not after ${COUNTED_ATTEMPTS}`,
      );
      trial.note(`workers died ${platform.deaths()} times`);
    },
  },
];

async function untilDead(system: System): Promise<void> {
  await waitUntil(
    'the task that kills is dead',
    async () => {
      const [answer] = await system.ledger.rows<{ dead: number }>(
        `select count(*)::int as dead from holdfast.task where state = 'dead' and dead_reason is not null`,
      );
      return answer!.dead > 0;
    },
    { limitSeconds: POISON_SECONDS, everyMilliseconds: 250 },
  );
}
