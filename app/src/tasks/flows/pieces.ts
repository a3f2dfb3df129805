import { idArray } from '../lanes';
import type { Transaction } from '../types';

export type Ask = Transaction['query'];

/** Children that one statement looks at, some ten milliseconds of PostgreSQL, however many a task has. */
export const PIECE_ROWS = 1_000;

/** Answer of a statement that goes through the children of tasks: where its next piece begins, if there is one. */
interface PieceRow {
  readonly id: string | null;
  /** Of the tasks asked for, from 1. */
  readonly position: number | null;
  readonly after: string | null;
}

interface Open {
  readonly parents: readonly string[];
  /** The child of the first of them behind which to go on. */
  readonly after: string;
}

/**
 * Goes from tasks to their children and on to the children of those, a piece at a time. The youngest generation goes first,
 * so that little has to be remembered, however many there are.
 */
export class Pieces<Row extends { readonly id: string }> {
  private readonly open: Open[] = [];

  constructor(
    private readonly statement: string,
    private readonly rows = PIECE_ROWS,
  ) {}

  /** Groups of tasks whose children are still to be looked at. */
  get left(): number {
    return this.open.length;
  }

  /** @param parents bigint ids, whose children are looked at next. */
  add(parents: readonly string[]): void {
    if (parents.length > 0) this.open.push({ parents, after: '0' });
  }

  forget(): void {
    this.open.length = 0;
  }

  /** Carries the statement out for the next piece. */
  async next(ask: Ask): Promise<Row[]> {
    const piece = this.open.pop();
    if (piece === undefined) return [];
    const values = [idArray(piece.parents), piece.after, this.rows];
    const { rows } = await ask<PieceRow & Row>(this.statement, values);
    const [first] = rows;
    if (first?.position != null && first.after !== null) {
      this.open.push({ parents: piece.parents.slice(first.position - 1), after: first.after });
    }
    return rows.filter(({ id }: PieceRow) => id !== null);
  }
}
