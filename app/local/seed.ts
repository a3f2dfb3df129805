import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from './servers/spawn-server';

export interface SeedOptions {
  /** Address of the app, without a slash at its end. */
  readonly baseUrl: string;
  readonly say: Log;
  /** Gives up when it aborts. */
  readonly signal: AbortSignal;
}

const LIMIT_SECONDS = 120;
const POLL_MILLISECONDS = 500;
const BUSY_SECONDS = 30;

/**
 * Imports the film list of the npm package vega-datasets through the app's own import task, when the app has no films
 * yet, and says what came of it. Returns when the task is done, dead, or slower than two minutes.
 */
export async function seedFilms({ baseUrl, say, signal }: SeedOptions): Promise<void> {
  const films = await getJson<{ total: number }>(`${baseUrl}/api/films`, signal);
  if (films.total > 0) return;
  const file = join(dirname(require.resolve('vega-datasets')), '..', 'data', 'movies.json');
  const response = await fetch(`${baseUrl}/api/imports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: readFileSync(file),
    signal,
  });
  if (response.status !== 202) {
    throw new Error(`The film list was refused with ${response.status}: ${await response.text()}`);
  }
  const { taskId } = (await response.json()) as { taskId: string };
  say(`Importing the film list: task ${taskId}.`);
  const task = await followTask(`${baseUrl}/api/tasks/${taskId}`, signal);
  if (task.state !== 'done') {
    say(
      `The import is ${task.state}${task.error === null ? '' : `: ${task.error}`}; see ${baseUrl}/api/tasks/${taskId}`,
    );
    return;
  }
  const result = await getJson<{ imported: number; refused: number }>(`${baseUrl}/api/imports/${taskId}`, signal);
  say(`Imported ${result.imported} films; ${result.refused} rows were refused, see`);
  say(`  ${baseUrl}/api/imports/${taskId}`);
}

interface Task {
  readonly state: string;
  readonly error: string | null;
}

async function followTask(url: string, signal: AbortSignal): Promise<Task> {
  const end = performance.now() + LIMIT_SECONDS * 1000;
  for (;;) {
    const task = await getJson<Task>(url, signal);
    if (['done', 'dead', 'cancelled', 'parked'].includes(task.state) || performance.now() > end) return task;
    await pause(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** Asks again while the app is too busy, as it says with 503. */
async function getJson<T>(url: string, signal: AbortSignal): Promise<T> {
  const end = performance.now() + BUSY_SECONDS * 1000;
  let response = await fetch(url, { signal });
  while (response.status === 503 && performance.now() < end) {
    await response.body?.cancel();
    await pause(POLL_MILLISECONDS, undefined, { signal });
    response = await fetch(url, { signal });
  }
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
