/** What this process did since it started. Plain numbers; whoever exports them chooses the form. */
export interface Counters {
  /** Committed acceptances that this process knows of: all but those in foreign transactions. */
  accepted: number;
  /** Ids handed to Redis, by acceptors and by the relay. */
  dispatched: number;
  /** Pushes that were left to the relay or to the PostgreSQL path (Redis away, lane full). */
  dispatchSkipped: number;
  claimedFromRedis: number;
  claimedFromPostgres: number;
  /** Ids from Redis that were no claimable task: duplicates, already taken, invented. */
  staleIds: number;
  done: number;
  failedAttempts: number;
  dead: number;
  /** Completions that came too late: the task had gone to another worker. */
  fencedOff: number;
  givenBack: number;
  /** Tasks taken back from workers that went silent. */
  reaped: number;
  /** Times that Redis was found to have lost or replaced its data. */
  redisRebuilds: number;
  leaseLost: number;
}

export function zeroCounters(): Counters {
  return {
    accepted: 0,
    dispatched: 0,
    dispatchSkipped: 0,
    claimedFromRedis: 0,
    claimedFromPostgres: 0,
    staleIds: 0,
    done: 0,
    failedAttempts: 0,
    dead: 0,
    fencedOff: 0,
    givenBack: 0,
    reaped: 0,
    redisRebuilds: 0,
    leaseLost: 0,
  };
}
