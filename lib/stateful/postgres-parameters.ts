export interface PostgresParametersProps {
  /** 0 leaves it to RDS, which goes by the instance's memory. */
  readonly maxConnections: number;
  readonly storageGiB: number;
}

/**
 * What differs from RDS's own defaults, because the ledger writes each task's row at least three times (accepted,
 * running, done) in many short transactions. Tables with a rhythm of their own carry settings themselves
 * (app/src/tasks/ledger/migrations).
 *
 * RDS applies these while it runs, except rds.force_ssl and max_connections: a new value of those waits for the next
 * restart, which a change of the instance class brings along.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
 */
export function postgresParameters({ maxConnections, storageGiB }: PostgresParametersProps): Record<string, string> {
  return {
    // Refuses connections in clear text.
    'rds.force_ssl': '1',
    // What the connection budget of the configuration was checked against.
    ...(maxConnections > 0 && { max_connections: String(maxConnections) }),
    // PostgreSQL's default, written out because "accepted" means it: a commit is on disk, in both zones with Multi-AZ.
    synchronous_commit: 'on',

    // Dead row versions of any table are gone when they are a twentieth of it, not a tenth.
    autovacuum_vacuum_scale_factor: '0.05',
    // Five times the work between two pauses: the default of 200, shared by all workers, falls behind thousands of
    // updates a second on a table that must stay small to stay fast.
    autovacuum_vacuum_cost_limit: '1000',
    // Milliseconds; both are needed for a line about each vacuum that took longer.
    log_autovacuum_min_duration: '1000',
    'rds.force_autovacuum_logging_level': 'log',

    // Seconds. The first change of a page after a checkpoint writes the whole page to the log, so half as many
    // checkpoints save much of a queue's writing.
    checkpoint_timeout: '600',
    // MiB: a tenth of the storage between 1 and 8 GiB, which also bounds what a failover has to replay.
    max_wal_size: String(Math.min(8_192, Math.max(1_024, Math.floor(storageGiB * 102.4)))),
    // gp3 reads anywhere at the same price; the default of 4 is for turning disks and favours scans of whole tables.
    random_page_cost: '1.1',

    // Milliseconds. A transaction left open keeps every dead row version of the ledger; the engine sets less for itself.
    idle_in_transaction_session_timeout: '60000',
    // Seconds, seconds, times: a client whose instance vanished holds its locks for 90 seconds, not for two hours.
    tcp_keepalives_idle: '60',
    tcp_keepalives_interval: '10',
    tcp_keepalives_count: '3',

    // Milliseconds; the log says which statements are slow and who waits for a lock, but never with which values: they
    // are tasks' payloads.
    log_min_duration_statement: '1000',
    log_lock_waits: '1',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
  };
}
