import { z } from 'zod';
import { createTasks, defineTask, handle, NotSent } from '../../../src/tasks';
import type { AcceptOptions, OnUnknown, TaskContext, TaskDetails, Tasks, Worker } from '../../../src/tasks';
import { ledgerFixture } from './ledger-fixture';
import type { LedgerFixture } from './ledger-fixture';
import { mailProvider, Refused } from './mail-provider';
import type { MailProvider } from './mail-provider';
import { taskRow } from './task-rows';
import { until } from './until';
import { workerParts } from './worker-parts';
import type { TestParts } from './worker-parts';

export const mail = defineTask({
  name: 'mail',
  payload: z.object({ onUnknown: z.enum(['repeat', 'park']) }),
  attempts: 3,
  backoff: { firstSeconds: 0.05, jitter: 0 },
});
export type MailContext = TaskContext<typeof mail>;

/** A ledger, an engine with a worker for `mail`, and the provider that it sends through. */
export interface ExternalFixture extends LedgerFixture {
  readonly tasks: Tasks;
  readonly provider: MailProvider;
  /** What the workers are made of. */
  readonly parts: TestParts;
  /** What attempts do; `sends` unless told otherwise. */
  run: (context: MailContext) => Promise<unknown>;
  /** Sends one mail under the key `receipt`, with a refusal as NotSent. */
  readonly sends: (context: MailContext) => Promise<string | null>;
  startWorker(): Promise<Worker>;
  accept(onUnknown: OnUnknown, options?: AcceptOptions): Promise<string>;
  /** Waits until the task is in this state. */
  reaches(id: string, state: string): Promise<TaskDetails>;
  close(): Promise<void>;
}

export async function externalFixture(): Promise<ExternalFixture> {
  const ledger = await ledgerFixture();
  const parts = workerParts(ledger.url);
  const tasks = createTasks({ postgres: { connectionString: ledger.url }, logger: parts.logger });
  const provider = await mailProvider();
  const fixture: ExternalFixture = {
    ...{ ...ledger, tasks, provider, parts },
    sends: (context) => sendMail(context, provider),
    run: (context) => fixture.sends(context),
    startWorker: async () => {
      const handler = handle(mail, async (context) => {
        const result = await fixture.run(context);
        return result;
      });
      return parts.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
    },
    accept: async (onUnknown, options) => (await tasks.accept(mail, { onUnknown }, options)).id,
    reaches: (id, state) =>
      until(`it is ${state}`, async () => (await taskRow(ledger, id)).state === state && tasks.get(id)),
    close: async () => {
      await parts.close();
      await tasks.close();
      await provider.close();
      await ledger.drop();
    },
  };
  return fixture;
}

export function sendMail({ external, payload }: MailContext, provider: MailProvider): Promise<string | null> {
  return external('receipt', payload, ({ idempotencyKey, signal }) =>
    provider.send(idempotencyKey, signal).catch((error: unknown) => {
      if (error instanceof Refused) throw new NotSent(error);
      throw error;
    }),
  );
}
