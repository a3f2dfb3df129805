import { z } from 'zod';
import { Discard, createTasks, defineTask, handle, NonRetryable } from '../../../src/tasks';
import type { ParentRecord, TaskDetails, TaskHandler, Tasks } from '../../../src/tasks';
import { flowSweep } from '../../../src/tasks/flows/sweep';
import type { Gate } from '../support/gate';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

/** A task that ends as its payload says. */
export const step = defineTask({
  name: 'step',
  payload: z.object({ end: z.enum(['done', 'dead', 'cancelled', 'held']).default('done') }),
});

export const queues = [{ name: 'default' }];

export interface FlowFixture extends LedgerFixture {
  readonly tasks: Tasks;
  readonly logger: RecordingLogger;
  /** For `startWorker`: steps that end as their payload says; those that are held wait for `release`. */
  readonly handler: TaskHandler;
  readonly release: Gate;
  /** What each step saw of its parents, by the step's id. */
  readonly seen: Map<string, readonly ParentRecord[]>;
  reaches(id: string, state: string): Promise<TaskDetails>;
  /** Ends a task as a worker would that knows nothing of flows. */
  end(id: string, state: 'done' | 'dead' | 'cancelled'): Promise<void>;
  states(...ids: readonly string[]): Promise<(string | undefined)[]>;
  /** One step of the sweep, in a transaction of its own. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export const END = `
  update holdfast.task set state = $2, finished_at = now(), dead_reason = case $2 when 'dead' then 'non-retryable' end
  where uuid = $1`;

export async function flowFixture(): Promise<FlowFixture> {
  const fixture = await ledgerFixture();
  const logger = recordingLogger();
  const tasks = createTasks({ postgres: { connectionString: fixture.url }, logger });
  const release = gate();
  const seen = new Map<string, readonly ParentRecord[]>();
  const chore = flowSweep(logger);
  const handler = handle(step, async ({ payload, taskId, parents }) => {
    seen.set(taskId, await parents());
    if (payload.end === 'held') await release.opened;
    if (payload.end === 'dead') throw new NonRetryable('asked to die');
    if (payload.end === 'cancelled') throw new Discard('nothing to do');
    return { of: taskId };
  });
  return {
    ...{ ...fixture, tasks, logger, handler, release, seen },
    reaches: (id, state) =>
      until(`it is ${state}`, async () => {
        const task = await tasks.get(id);
        return task?.state === state && task;
      }),
    end: async (id, state) => {
      await fixture.pool.query(END, [id, state]);
    },
    states: async (...ids) => Promise.all(ids.map(async (id) => (await tasks.get(id))?.state)),
    sweep: async () => {
      await tasks.transaction((tx) => chore.step(tx));
    },
    close: async () => {
      release.open();
      await tasks.close();
      await fixture.drop();
    },
  };
}
