import { Client } from 'pg';
import type { ClientConfig, Pool, PoolClient, PoolConfig, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { CommitUnknownError, TransactionEndedError } from '../errors';
import type { TaskLogger, Transaction } from '../types';
import { isConnectionError, isReadOnly } from './connection-errors';
import { openPool } from './open-pool';

/**
 * Every hot statement looks up a few rows by index; whatever the statistics say (none on a new table, old ones after a
 * flood), nothing else is right. So other ways are ruled out, and the one plan is made once and kept.
 */
export const PLANNING = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin']
  .map((way) => `-c enable_${way}=off`)
  .concat('-c max_parallel_workers_per_gather=0', '-c jit=off', '-c plan_cache_mode=force_generic_plan')
  .join(' ');

/** After which a statement whose answer has not come is given up, and its connection with it. */
export interface TimeLimit {
  readonly timeoutMs: number;
}

/** Two claims by id, one of the oldest, one batch of completions: no more are under way at a time. */
const STATEMENT_CONNECTIONS = 4;

/**
 * The connections to the ledger. Every session bounds how long a frozen process can hold a row: past
 * `idle_in_transaction_session_timeout` (below the lease) PostgreSQL ends the session and rolls back.
 */
export class Ledger {
  private readonly pool: Pool;
  /** For the engine's own statements, which are prepared once a connection and planned once. */
  private readonly statements: Pool;
  private readonly config: PoolConfig;
  private epochPromise: Promise<string> | undefined;

  constructor(config: PoolConfig, leaseSeconds: number, logger: TaskLogger) {
    this.config = {
      application_name: 'holdfast tasks',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      // Client side: a silently lost connection is noticed within this, whatever the kernel's time-outs are.
      query_timeout: 15_000,
      idle_in_transaction_session_timeout: Math.round((leaseSeconds * 1000 * 2) / 3),
      ...withoutUrlOptions(config),
    };
    const lost = (error: Error): void => logger.debug({ err: error }, 'idle PostgreSQL connection lost');
    this.pool = openPool({ max: 10, ...this.config }, lost);
    const planned = { options: options(this.config, PLANNING) };
    this.statements = openPool({ ...this.config, max: STATEMENT_CONNECTIONS, ...planned }, lost);
  }

  /** One statement in a transaction of its own. Of one that is given up, nobody knows whether it is carried out. */
  query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    limit?: TimeLimit,
  ): Promise<QueryResult<Row>> {
    return this.pool.query<Row>(limited({ text, values: (values ?? []) as unknown[] }, limit));
  }

  /** As `query`, on a connection that is made for it: one that exists may be broken without anybody knowing. */
  async queryAnew<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<QueryResult<Row>> {
    const client = this.dedicated({});
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.query<Row>(text, values as unknown[]);
    } finally {
      client.end().catch(() => undefined);
    }
  }

  /** One of the engine's own hot statements, prepared under `name`; see PLANNING. */
  prepared<Row extends QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
    limit?: TimeLimit,
  ): Promise<QueryResult<Row>> {
    return this.statements.query<Row>(limited({ name, text, values: values as unknown[] }, limit));
  }

  /**
   * One statement that writes, in a transaction of its own, prepared under `name`.
   * @throws CommitUnknownError when the connection broke after the statement was sent: it may have been carried out.
   */
  write<Row extends QueryResultRow>(name: string, text: string, values: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.withClient((client) =>
      client.query<Row>({ name, text, values: values as unknown[] }).catch(unknownWhenCut),
    );
  }

  /**
   * Runs `fn` between BEGIN and COMMIT.
   * @throws CommitUnknownError when the connection broke after COMMIT was sent.
   * @throws whatever `fn` throws, after the roll-back.
   */
  async transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      await client.query('begin');
      const { tx, end } = lend(client);
      // Also before the roll-back: what came later would be committed by itself, or into a stranger's transaction.
      let result: T;
      const loss = lossOf(client);
      try {
        result = await Promise.race([fn(tx), loss.lost]);
      } finally {
        loss.forget();
        await end();
      }
      await commit(client);
      return result;
    });
  }

  /**
   * As `transaction`, on one of the connections for the engine's own statements, for rows that many want to lock: past
   * `frozenAfterMs` between two statements PostgreSQL rolls back, so that a process that freezes keeps nobody waiting.
   */
  briefly<T>(frozenAfterMs: number, fn: (tx: Pick<Ledger, 'prepared'>) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      await client.query(`begin; set local idle_in_transaction_session_timeout = ${frozenAfterMs}`);
      const result = await fn(lend(client).tx);
      await commit(client);
      return result;
    }, this.statements);
  }

  /** Lends a connection, rolls back what an error left open on it, and drops it when it broke. */
  private async withClient<T>(use: (client: PoolClient) => Promise<T>, pool = this.pool): Promise<T> {
    const client = await pool.connect();
    let broken: unknown;
    const remember = (error: Error): void => void (broken = error);
    client.on('error', remember);
    try {
      return await use(client);
    } catch (error) {
      if (isConnectionError(error) || isReadOnly(error) || error instanceof CommitUnknownError) broken = error;
      else await client.query('rollback').catch((rollbackError: unknown) => (broken = rollbackError));
      throw error;
    } finally {
      client.off('error', remember);
      client.release(broken !== undefined);
    }
  }

  /** A connection outside the pool, for session-level locks. The caller ends it. */
  dedicated(config: ClientConfig): Client {
    return new Client({ ...this.config, ...config, options: options(this.config, config.options) });
  }

  /** The ledger's epoch, part of every Redis key. @throws Error when the migration has not run. */
  epoch(): Promise<string> {
    this.epochPromise ??= this.query<{ epoch: string }>('select epoch from holdfast.ledger')
      .then((result) => {
        const row = result.rows[0];
        if (row === undefined) throw new Error('holdfast.ledger is empty: run the migration again');
        return row.epoch;
      })
      .catch((error: unknown) => {
        this.epochPromise = undefined;
        throw error;
      });
    return this.epochPromise;
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.statements.end()]);
  }
}

/** `pg` lets what the URL says win over everything beside it, so its `?options=` would undo ours. */
function withoutUrlOptions(config: PoolConfig): PoolConfig {
  const { connectionString } = config;
  if (connectionString === undefined || !URL.canParse(connectionString)) return config;
  const url = new URL(connectionString);
  const given = url.searchParams.get('options');
  if (given === null) return config;
  url.searchParams.delete('options');
  return { ...config, connectionString: url.href, options: options(config, given) };
}

/** Options of the server, those of the configuration first: of one given twice the last counts. */
function options(config: PoolConfig, more: string | undefined): string {
  return [config.options, more].filter((some) => some !== undefined && some !== '').join(' ');
}

/** `pg` knows a time-out for each statement, its types do not. */
function limited(query: QueryConfig, limit: TimeLimit | undefined): QueryConfig & { query_timeout?: number } {
  return limit === undefined ? query : { ...query, query_timeout: limit.timeoutMs };
}

/** The transaction as `fn` may use it, until `end`, which resolves when no statement of it is under way any more. */
function lend(client: PoolClient): { tx: Transaction & Pick<Ledger, 'prepared'>; end: () => Promise<void> } {
  const underWay = new Set<Promise<unknown>>();
  let ended = false;
  const send = <Row extends QueryResultRow>(ask: () => Promise<QueryResult<Row>>): Promise<QueryResult<Row>> => {
    if (ended) return Promise.reject(new TransactionEndedError());
    const answer = ask();
    underWay.add(answer);
    const settle = (): void => void underWay.delete(answer);
    answer.then(settle, settle);
    return answer;
  };
  return {
    tx: {
      query: (text, values) => send(() => client.query(text, values as unknown[] | undefined)),
      prepared: (name, text, values) => send(() => client.query({ name, text, values: values as unknown[] })),
    },
    end: async () => {
      ended = true;
      await Promise.allSettled(underWay);
    },
  };
}

/** Rejects when the connection breaks: what uses it may never come back, and would keep its place in the pool for ever. */
function lossOf(client: PoolClient): { readonly lost: Promise<never>; forget(): void } {
  let fail: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => (fail = reject));
  lost.catch(() => undefined);
  client.once('error', fail);
  return { lost, forget: () => void client.off('error', fail) };
}

async function commit(client: PoolClient): Promise<void> {
  const result = await client.query('commit').catch(unknownWhenCut);
  // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: somebody swallowed the statement's.
  if (result.command !== 'COMMIT') {
    throw new Error(
      'the transaction was rolled back: one of its statements had failed and the error was not passed on',
    );
  }
}

/** What was sent on a connection that broke may have been carried out. */
function unknownWhenCut(error: unknown): never {
  throw isConnectionError(error) ? new CommitUnknownError(error) : error;
}
