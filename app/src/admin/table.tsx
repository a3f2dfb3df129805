import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Aligned to the right, with figures of one width. @default false */
  readonly numeric?: boolean;
}

export interface TableProps<Row> {
  /** Says what the table holds; read before it and not shown, as the heading above it says the same. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Tells rows apart when the page refreshes itself. */
  readonly keyOf: (row: Row) => string;
}

/**
 * A table whose rows become cards on narrow screens. The roles are said because browsers forget them of elements that
 * are laid out as something else: https://adrianroselli.com/2018/02/tables-css-display-properties-and-aria.html
 */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table class="cards" role="table">
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ heading, numeric }) => (
            <th key={heading} role="columnheader" scope="col" class={numeric === true ? 'numeric' : undefined}>
              {heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row" data-key={keyOf(row)}>
            {columns.map(({ heading, numeric, cell }) => (
              <td key={heading} role="cell" data-heading={heading} class={numeric === true ? 'numeric' : undefined}>
                <span>{cell(row)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
