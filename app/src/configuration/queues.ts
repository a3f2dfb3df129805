import type { z } from 'zod';
import { isValidName, nameRule } from '../tasks';
import { refuse } from './refuse';

export interface WorkerQueue {
  readonly name: string;
  /** How often the queue is asked first, compared with the others. */
  readonly weight: number;
}

/** One kind of worker and the queues that it takes tasks from. */
export interface WorkerKind {
  readonly name: string;
  readonly queues: readonly string[];
}

/** Reads `name` and `name:weight`, parted by commas. */
export function toQueues(value: string, context: z.RefinementCtx): WorkerQueue[] {
  const queues = value.split(',').map((part): WorkerQueue => {
    const [name = '', weight = '1', ...rest] = part.trim().split(':');
    if (rest.length > 0 || !isValidName(name)) {
      return refuse(
        context,
        `holds ${quote(part.trim())}; a queue is written name or name:weight, its name is ${nameRule}`,
      );
    }
    if (!/^\d{1,3}$/.test(weight) || Number(weight) < 1 || Number(weight) > 100) {
      return refuse(context, `holds ${quote(part.trim())}; a weight is a whole number from 1 to 100`);
    }
    return { name, weight: Number(weight) };
  });
  const twice = findTwice(queues.map(({ name }) => name));
  if (twice !== undefined) refuse(context, `names the queue ${quote(twice)} twice; name each queue once`);
  return queues;
}

/** Reads `kind=queue,queue`, parted by semicolons: each kind once, each queue of all kinds once. */
export function toWorkerKinds(value: string, context: z.RefinementCtx): WorkerKind[] {
  const kinds = value.split(';').map((part): WorkerKind => {
    const [name = '', list = '', ...rest] = part.split('=').map((half) => half.trim());
    const queues = list.split(',').map((queue) => queue.trim());
    if (rest.length > 0 || ![name, ...queues].every(isValidName)) {
      return refuse(
        context,
        `holds ${quote(part.trim())}; a worker kind is written kind=queue,queue, each name is ${nameRule}`,
      );
    }
    return { name, queues };
  });
  const twice = findTwice(kinds.map(({ name }) => name));
  if (twice !== undefined) refuse(context, `names the worker kind ${quote(twice)} twice; name each kind once`);
  const shared = findTwice(kinds.flatMap(({ queues }) => queues));
  if (shared !== undefined) {
    refuse(context, `names the queue ${quote(shared)} twice; name each queue once, or its tasks count twice`);
  }
  return kinds;
}

function findTwice(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

function quote(value: string): string {
  return JSON.stringify(value);
}
