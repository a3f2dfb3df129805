import type { Counts } from './counting';
import { longest } from './counting';
import type { Outcome, Poison } from './trial';

/** What of a task may go wrong; every one of them is a count of `Counts`. */
export const HARMS = ['lost', 'failed', 'orphaned', 'repeated'] as const;
export type Harm = (typeof HARMS)[number];

/** One fault on one system, all rounds together. */
export interface Cell {
  readonly fault: Outcome['fault'];
  readonly system: Outcome['system'];
  /** Rounds that were measured. */
  readonly rounds: number;
  /** False: in some round its own store still wanted something done when the run gave up waiting. */
  readonly settled: boolean;
  /** Of each round that had one. */
  readonly poisons: readonly Poison[];
  /** Sums; of the seconds, the longest, and undefined when some round has none. */
  readonly counts: Counts;
  /** In how many rounds there was any. */
  readonly inRounds: Readonly<Record<Harm, number>>;
}

/** @param outcomes of one fault on one system, at least one */
export function cellOf(outcomes: readonly [Outcome, ...Outcome[]]): Cell {
  const [{ fault, system }] = outcomes;
  const sum = (of: keyof Counts) => outcomes.reduce((total, { counts }) => total + (counts[of] ?? 0), 0);
  const roundsWith = (harm: Harm) => outcomes.filter(({ counts }) => counts[harm] > 0).length;
  return {
    ...{ fault, system },
    rounds: outcomes.length,
    settled: outcomes.every(({ settled }) => settled),
    poisons: outcomes.flatMap(({ poison }) => poison ?? []),
    counts: {
      accepted: sum('accepted'),
      refused: sum('refused'),
      unanswered: sum('unanswered'),
      waiting: sum('waiting'),
      lost: sum('lost'),
      failed: sum('failed'),
      orphaned: sum('orphaned'),
      repeated: sum('repeated'),
      againSeconds: longest(outcomes.map(({ counts }) => counts.againSeconds)),
      recoveredSeconds: longest(outcomes.map(({ counts }) => counts.recoveredSeconds)),
    },
    inRounds: {
      lost: roundsWith('lost'),
      failed: roundsWith('failed'),
      orphaned: roundsWith('orphaned'),
      repeated: roundsWith('repeated'),
    },
  };
}

const SAID = { lost: 'loses', failed: 'fails', orphaned: 'orphans', repeated: 'repeats' } as const;

/** So much longer, both by share and in seconds, is slower. */
const SLOWER = { share: 2, seconds: 5 };

/** How a peer compares with Holdfast, both ways: what it did more often, then what Holdfast did. */
export function verdict(peer: Cell, holdfast: Cell): string {
  const worse = more(peer, holdfast);
  const better = more(holdfast, peer).map((what) => `Holdfast ${what}`);
  return [...worse, ...better].join(', ') || 'as well';
}

/** What a cell has any of, for a row that is compared with nothing. */
export function harms(cell: Cell): string {
  return HARMS.filter((harm) => cell.counts[harm] > 0)
    .map((harm) => SAID[harm] + inRounds(cell, harm))
    .join(', ');
}

function more(one: Cell, other: Cell): string[] {
  const harmed = HARMS.filter((harm) => one.counts[harm] > other.counts[harm]);
  const slower =
    isSlower(one.counts.againSeconds ?? Infinity, other.counts.againSeconds ?? Infinity) ||
    // One that never recovers has lost or failed something, which is said already.
    isSlower(one.counts.recoveredSeconds ?? 0, other.counts.recoveredSeconds ?? Infinity);
  return [
    ...harmed.map((harm) => `${SAID[harm]}${other.counts[harm] > 0 ? ' more' : ''}${inRounds(one, harm)}`),
    ...(one.counts.refused > other.counts.refused ? ['refuses more'] : []),
    ...(slower ? ['is slower'] : []),
  ];
}

function inRounds({ rounds, inRounds }: Cell, harm: Harm): string {
  return rounds === 1 ? '' : ` in ${inRounds[harm]} of ${rounds} rounds`;
}

function isSlower(seconds: number, than: number): boolean {
  return seconds > SLOWER.share * than && seconds > than + SLOWER.seconds;
}
