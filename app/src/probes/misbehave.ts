import type { PayloadOutput } from '../tasks';
import type { probe } from './probe.task';

/**
 * What a probe does to its process in an attempt that is to fail otherwise than by an error: what bad code, a native
 * library or a leak does to real workers.
 */
export async function misbehave({ failBy, runMs }: PayloadOutput<typeof probe>): Promise<void> {
  switch (failBy) {
    case 'crash':
      process.kill(process.pid, 'SIGKILL');
      return await nothing();
    case 'hang':
      return await nothing();
    case 'block':
      blockFor(runMs);
      return;
    case 'exhaust':
      return exhaust();
    case 'throw':
    case undefined:
  }
}

function nothing(): Promise<never> {
  return new Promise(() => undefined);
}

function blockFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** Ends with the abort of a process without memory, or with what the container engine does to one above its limit. */
function exhaust(): never {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, i) => i + kept.length));
}
