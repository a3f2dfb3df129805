import { handle } from '../../../src/tasks';
import type { Worker } from '../../../src/tasks';
import { note } from './dispatch-fixture';
import type { DispatchFixture } from './dispatch-fixture';

/** A worker whose tasks leave one row each in table `effect`, written as they are completed, once the gate is open. */
export interface CountedWorker {
  readonly worker: Worker;
  /** Tasks whose handlers have begun and wait for the gate, and all that have begun since. */
  begun(): number;
  /** From now on handlers return at once. */
  open(): void;
  /** How often each task took effect, and in which attempt: `{ '<uuid>': [1] }`. */
  effects(): Promise<Record<string, number[]>>;
}

export async function countedWorker(fixture: DispatchFixture, concurrency: number): Promise<CountedWorker> {
  await fixture.rows('create table effect (task uuid not null, attempt int not null)');
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let begun = 0;
  const handler = handle(note, async (context) => {
    const { taskId, attempt } = context;
    begun += 1;
    context.effects(async (tx) => {
      await tx.query('insert into effect values ($1, $2)', [taskId, attempt]);
    });
    await gate;
  });
  const worker = await fixture.tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }], concurrency });
  return {
    worker,
    begun: () => begun,
    open: () => open(),
    effects: async () => {
      const rows = await fixture.rows<{ task: string; attempts: number[] }>(
        'select task, array_agg(attempt order by attempt) as attempts from effect group by task',
      );
      return Object.fromEntries(rows.map((row) => [row.task, row.attempts]));
    },
  };
}
