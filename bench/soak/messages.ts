/** What the soak tells a process of its, once, when it has started. */
export interface Start {
  readonly role: 'acceptor' | 'worker' | 'scheduler';
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** Tasks a second that the acceptor accepts. */
  readonly rate: number;
}

/** What a process tells the soak. */
export type Told =
  | { readonly kind: 'ready' }
  /** Tasks whose acceptance was answered since the last time. */
  | { readonly kind: 'accepted'; readonly tasks: readonly Acknowledged[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** One task as its caller knows it: what must come of it. */
export interface Acknowledged {
  readonly id: string;
  readonly must: Fate;
}

/**
 * `done`: exactly one effect. `dead`, `discarded`: none. `cancelled`: the request to cancel and the handler raced, so at
 * most one. `joined`: it was answered with a task that had been accepted before, so it adds nothing.
 */
export type Fate = 'done' | 'dead' | 'discarded' | 'cancelled' | 'joined';
