import type { QueryResult, QueryResultRow } from 'pg';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import type { TimeLimit } from '../../../src/tasks/ledger/ledger';

type Step = () => Promise<void> | void;

/** A ledger on a real PostgreSQL in which the test steps in before or after single statements. */
export class DisturbedLedger extends Ledger {
  private readonly befores = new Map<string, Step>();
  private readonly afters = new Map<string, Step>();
  private readonly asked = new Map<string, number>();
  private readonly answers = new Map<string, number>();

  /** Runs `step` each time before this statement is sent; what it throws is the statement's error. */
  before(statement: string, step: Step): void {
    this.befores.set(statement, step);
  }

  /** Runs `step` each time after PostgreSQL has answered and before the engine sees it. */
  after(statement: string, step: Step): void {
    this.afters.set(statement, step);
  }

  heal(): void {
    this.befores.clear();
    this.afters.clear();
  }

  /** How often this statement was asked for, whatever came of it. */
  count(statement: string): number {
    return this.asked.get(statement) ?? 0;
  }

  /** How often PostgreSQL carried this statement out and the engine saw the answer. */
  answered(statement: string): number {
    return this.answers.get(statement) ?? 0;
  }

  override query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    limit?: TimeLimit,
  ): Promise<QueryResult<Row>> {
    return this.disturb(text, () => super.query<Row>(text, values, limit));
  }

  override queryAnew<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.disturb(text, () => super.queryAnew<Row>(text, values));
  }

  override prepared<Row extends QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
    limit?: TimeLimit,
  ): Promise<QueryResult<Row>> {
    return this.disturb(text, () => super.prepared<Row>(name, text, values, limit));
  }

  private async disturb<Answer>(text: string, ask: () => Promise<Answer>): Promise<Answer> {
    this.asked.set(text, this.count(text) + 1);
    await this.befores.get(text)?.();
    const answer = await ask();
    await this.afters.get(text)?.();
    this.answers.set(text, this.answered(text) + 1);
    return answer;
  }
}

/** What `pg` throws when the server cannot be reached. */
export function connectionRefused(): never {
  throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
