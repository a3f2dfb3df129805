import type { TaskHandler } from '../../src/tasks';
import { drain } from '../../src/tasks/testing';
import { eventually } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const UNFINISHED = ['waiting', 'queued', 'running'] as const;
/** Longer than any backoff of a flow. */
const BACKOFFS_MS = 600_000;

/** Runs what is accepted, and what follows from it, until all flows have ended. */
export async function runNews({ tasks }: TestApp, handlers: readonly TaskHandler[]): Promise<void> {
  await eventually(async () => {
    await drain(tasks, { handlers, until: new Date(Date.now() + BACKOFFS_MS) });
    const left = await Promise.all(UNFINISHED.map((state) => tasks.list({ queue: 'collect', state, limit: 1 })));
    return left.every(({ items }) => items.length === 0) ? true : undefined;
  }, 'all flows end');
}
