import { z } from 'zod';
import { createTasks, defineTask } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { Ending, Failure, Finisher } from '../../../src/tasks/finishing/finisher';
import { finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { flowSweep } from '../../../src/tasks/flows/sweep';
import { LimitedClaimer } from '../../../src/tasks/limiting/limited-claimer';
import { steppedRelay, steppedSchedulers } from './background';
import type { SteppedRelay, SteppedSchedulers } from './background';
import { recordingLogger } from '../support/recording-logger';
import { LEASE } from '../support/statements';
import { workerRow } from '../support/task-rows';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

export const QUEUES = ['films', 'mail'] as const;
export const WORKERS = [0, 1] as const;
export const step = defineTask({ name: 'step', payload: z.object({}), attempts: 3 });
const KINDS = ['step@1'];
/** As long as one of the model's laters. */
const DELAY_SECONDS = 3_600;

/** A worker whose every step the test takes: what it has in hand is what its claims were answered. */
interface SteppedWorker {
  id: string;
  hand: ClaimedTask[];
}

/** The real ledger and two workers without loops: each command is one statement of theirs, in an order that fast-check chooses. */
export interface System {
  readonly fixture: LedgerFixture;
  readonly tasks: Tasks;
  readonly workers: readonly SteppedWorker[];
  readonly relay: SteppedRelay;
  readonly schedulers: SteppedSchedulers;
  /** Nothing is left of the sequence before. */
  reset(): Promise<void>;
  claim(worker: number, queue: string, limit: number): Promise<ClaimedTask[]>;
  claimLimited(worker: number, queue: string, limit: number): Promise<ClaimedTask[]>;
  /** One that runs alone, of a queue without limits or of one with. */
  claimSuspect(worker: number, queue: string, limited: boolean): Promise<ClaimedTask[]>;
  claimByIds(worker: number, queue: string, ids: readonly string[]): Promise<ClaimedTask[]>;
  done(task: ClaimedTask): Promise<Ending>;
  doneWithEffects(task: ClaimedTask): Promise<Ending>;
  failed(task: ClaimedTask, verdict: Failure['verdict']): Promise<Ending>;
  giveBack(worker: number): Promise<void>;
  /** Others hold the worker for dead and take its tasks; it knows nothing of it and goes on with what it has in hand. */
  lose(worker: number): Promise<void>;
  /** Sweeps until nothing changes any more. */
  sweep(): Promise<void>;
  timePasses(): Promise<void>;
  close(): Promise<void>;
}

export async function openSystem(): Promise<System> {
  const fixture = await ledgerFixture();
  await fixture.rows('create table effect (task uuid)');
  const tasks = createTasks({ postgres: { connectionString: fixture.url, max: 3 }, logger: recordingLogger() });
  const parts: TestParts = workerParts(fixture.url);
  const finisher: Finisher = finisherOf(parts);
  const claimer = (queue: string): Claimer => new Claimer(parts.ledger, KINDS, [queue]);
  const limited = new LimitedClaimer(parts.ledger, KINDS, QUEUES);
  const chore = flowSweep(parts.logger);
  const relay = await steppedRelay(fixture, parts, QUEUES);
  const schedulers = steppedSchedulers(fixture, parts, { task: step, options: { queue: QUEUES[0] } });
  const workers: SteppedWorker[] = WORKERS.map(() => ({ id: '', hand: [] }));
  const at = (index: number): SteppedWorker => workers[index]!;
  const register = async (index: number): Promise<void> => {
    at(index).id = await workerRow(fixture, KINDS, QUEUES);
  };
  const took = (index: number, claimed: ClaimedTask[]): ClaimedTask[] => {
    at(index).hand.push(...claimed);
    return claimed;
  };
  return {
    fixture,
    tasks,
    workers,
    relay,
    schedulers,
    reset: async () => {
      await fixture.pool.query(
        `delete from holdfast.dependency; delete from holdfast.attempt; delete from holdfast.task;
         delete from holdfast.claim; delete from holdfast.worker; delete from holdfast.queue;
         delete from holdfast.request_key; delete from holdfast.external_effect; delete from effect`,
      );
      await relay.flush();
      relay.restart();
      await schedulers.begin();
      for (const index of WORKERS) {
        at(index).hand = [];
        await register(index);
      }
    },
    claim: async (index, queue, limit) =>
      took(index, await claimer(queue).oldest(at(index).id, [{ queue, priority: 1 }], limit)),
    claimLimited: async (index, queue, limit) =>
      took(index, (await limited.claim(at(index).id, queue, [{ queue, priority: 1 }], limit)) ?? []),
    claimSuspect: async (index, queue, isLimited) => {
      const { id } = at(index);
      const found = isLimited
        ? await limited.claimSuspect(id, queue)
        : [await claimer(queue).suspect(id)].filter((task) => task !== undefined);
      return took(index, found ?? []);
    },
    claimByIds: async (index, queue, ids) => took(index, await claimer(queue).byId(at(index).id, ids)),
    done: (task) => finisher.done(task),
    doneWithEffects: (task) =>
      finisher.doneWithEffects(task, async (tx) => {
        await tx.query('insert into effect values ($1)', [task.uuid]);
      }),
    failed: (task, verdict) =>
      finisher.failed({ task, verdict, error: 'Error: no', deadReason: undefined, delaySeconds: DELAY_SECONDS }),
    giveBack: async (index) => {
      await finisher.giveBack(at(index).hand.splice(0));
    },
    lose: async (index) => {
      await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [at(index).id]);
      await fixture.pool.query(LEASE.take_back);
      await register(index);
    },
    sweep: async () => {
      while ((await parts.acceptor.transaction((tx) => chore.step(tx))).more === true);
    },
    timePasses: async () => {
      await fixture.pool.query(
        `update holdfast.task
         set run_at = run_at - make_interval(secs => $1), resume_at = resume_at - make_interval(secs => $1)
         where finished_at is null`,
        [2 * DELAY_SECONDS],
      );
    },
    close: async () => {
      await relay.close();
      await tasks.close();
      await parts.close();
      await fixture.drop();
    },
  };
}
