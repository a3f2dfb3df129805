import type { AcceptMode, Addresses, ContenderName } from './contender';

/** What a measuring process is started for. */
export interface Role {
  readonly contender: ContenderName;
  readonly kind: 'acceptor' | 'worker';
  readonly addresses: Addresses;
}

/** What the benchmark asks a measuring process to do. */
export type Command =
  | { readonly do: 'open'; readonly role: Role }
  /** Hands over `count` tasks as fast as the callers of this mode can. */
  | { readonly do: 'accept'; readonly mode: AcceptMode; readonly count: number }
  /** Hands over `count` tasks at a steady rate. */
  | { readonly do: 'accept-steadily'; readonly count: number; readonly perSecond: number }
  | { readonly do: 'start-worker' }
  | { readonly do: 'stop-worker' }
  /** Answers the latencies of the tasks that began since the last time, in ms. */
  | { readonly do: 'take-latencies' }
  | { readonly do: 'close' };

export interface Span {
  /** Of `clockMs`. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/** What each command answers. */
export interface Answers {
  open: null;
  accept: Span;
  'accept-steadily': Span;
  /** `beganMs` is from before the worker was set up. */
  'start-worker': Span;
  'stop-worker': null;
  'take-latencies': readonly number[];
  close: null;
}

export interface Question {
  readonly id: number;
  readonly command: Command;
}

/** From the measuring process: the answer to a question, or how many tasks it has completed up to now. */
export type Message =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly reason: string }
  | { readonly kind: 'completed'; readonly count: number; readonly atMs: number };
