import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { Finisher } from '../../../src/tasks/finishing/finisher';
import type { Failure } from '../../../src/tasks/finishing/finisher';
import { InHand } from '../../../src/tasks/running/in-hand';
import type { LedgerFixture } from './ledger-fixture';
import { queueTasks, workerRow } from './task-rows';
import type { TestParts } from './worker-parts';

export function finisherOf(parts: TestParts): Finisher {
  const { ledger, acceptor, counters, logger } = parts;
  return new Finisher(ledger, (fn) => acceptor.transaction(fn), new InHand(), counters, logger);
}

/** Tasks that a worker has claimed and whose handlers have just returned, lowest id first. */
export async function claimedTasks(fixture: LedgerFixture, parts: TestParts, count: number): Promise<ClaimedTask[]> {
  const worker = await workerRow(fixture);
  const ids = await queueTasks(fixture, count);
  const tasks = await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(worker, ids);
  return tasks.sort((a, b) => Number(a.id) - Number(b.id));
}

export function failureOf(task: ClaimedTask, error = 'Error: no'): Failure {
  return { task, verdict: 'retry', error, deadReason: undefined, delaySeconds: 60 };
}
