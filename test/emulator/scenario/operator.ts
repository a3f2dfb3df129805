import assert from 'node:assert/strict';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { TaskDetails } from '../../../lib/operations/app-api/answers';
import type { Operations } from '../operations';
import type { AppClient } from './app.client';
import type { Stage } from './stage';

export const WAIT = { limitSeconds: 60, everyMilliseconds: 200 };

/** Somebody who uses `npx holdfast` on the stage, and sees what becomes of tasks of the app. */
export class Operator {
  constructor(
    readonly operations: Operations,
    readonly stage: Stage,
    readonly app: AppClient,
  ) {}

  /** What a command prints that ends with exit code 0. */
  async succeed(command: string, ...words: readonly string[]): Promise<string> {
    return await this.succeedWith('', command, ...words);
  }

  /** @param input what comes from standard input. */
  async succeedWith(input: string, command: string, ...words: readonly string[]): Promise<string> {
    const { exitCode, output, errors } = await this.operations.runWith(input, command, ...words);
    assert.equal(exitCode, 0, `npx holdfast ${[command, ...words].join(' ')}: ${output}${errors}`);
    return output;
  }

  async task(id: string): Promise<TaskDetails> {
    return (await this.app.get(`/api/tasks/${id}`)) as TaskDetails;
  }

  async untilState(id: string, state: string): Promise<void> {
    await waitUntil(`${id} is ${state}`, async () => (await this.task(id)).state === state, WAIT);
  }

  /** No task has failed for good; one that has stands in the error, with its reason. */
  async seeNoDeadTask(): Promise<void> {
    const { items } = (await this.app.get('/api/tasks?state=dead')) as { readonly items: readonly unknown[] };
    assert.deepEqual(items, [], `Dead: ${JSON.stringify(items, null, 2)}`);
  }

  /** A probe is accepted and done. */
  async seeWork(): Promise<void> {
    await this.untilState(await this.app.probe({}), 'done');
  }
}
