import type { Facts, Row, Verdict } from './row';
import type { OwnEnd } from './system/app-process';
import { System } from './system/system';
import type { SystemOptions } from './system/system';
import { Trial } from './trial';

/** Nobody could look. */
const NOTHING: Facts = { accepted: 0, done: 0, otherwise: 0, effects: 0, repeated: 0 };

export interface PerformOptions {
  /** Beside those of the row. */
  readonly system?: SystemOptions;
  /** `quick` leaves out what takes long. @default 'whole' */
  readonly extent?: 'quick' | 'whole';
}

/** Starts a system of its own for the row, runs it and looks at everything. Never throws: what goes wrong is in the verdict. */
export async function perform(
  row: Row,
  seed: number,
  { system: options, extent = 'whole' }: PerformOptions = {},
): Promise<Verdict> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  let system: System;
  try {
    system = await System.start({ ...row.system, ...options });
  } catch (error) {
    return {
      row,
      facts: NOTHING,
      broken: [`the system did not start: ${sentence(error)}`],
      notes: [],
      seconds: seconds(),
    };
  }
  const trial = new Trial(system, randomOf(seed));
  let facts = NOTHING;
  let brokeOff = false;
  try {
    await row.run(trial, system);
    if (extent === 'whole') await row.long?.(trial, system);
    // What a tick brings in the last moment would be unfinished while it is counted.
    await system.stopSchedules();
    await trial.drain();
  } catch (error) {
    brokeOff = true;
    trial.broken.push(sentence(error));
  }
  try {
    await system.stopLoads();
    await system.stopSchedules();
    if (brokeOff) await trial.settle();
    facts = await trial.facts();
  } catch (error) {
    trial.broken.push(`the ledger could not be looked at: ${sentence(error)}`);
  }
  trial.broken.push(...unexpected(system.ownEnds, row).map(sentenceOf));
  if (trial.broken.length > 0) process.stderr.write(`${system.log.tail()}\n`);
  await system.stop();
  return { row, facts, broken: trial.broken, notes: trial.notes, seconds: seconds() };
}

/** Mulberry32: the same numbers from 0 to below 1 for the same seed (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function unexpected(ends: readonly OwnEnd[], { ownEndings }: Row): OwnEnd[] {
  const left: Record<string, number> = { ...ownEndings };
  return ends.filter(({ ending }) => (left[ending] = (left[ending] ?? 0) - 1) < 0);
}

function sentenceOf({ process, ending, atMs }: OwnEnd): string {
  return `${process} ended by itself with ${ending} at ${new Date(atMs).toISOString()}`;
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
