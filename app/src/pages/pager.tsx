export interface PagerProps {
  readonly path: string;
  /** Search text that the links keep. @default none */
  readonly query?: string;
  /** From 1. */
  readonly page: number;
  readonly pages: number;
  /** What the links to the page before and after say. @default Earlier and Later */
  readonly words?: readonly [before: string, after: string];
}

/** Links to the page before and after; nothing where there is one page only. */
export function Pager({ path, query = '', page, pages, words = ['Earlier', 'Later'] }: PagerProps) {
  if (pages <= 1) return null;
  const link = (to: number): string => {
    const search = new URLSearchParams(query === '' ? {} : { query });
    search.set('page', String(to));
    return `${path}?${search.toString()}`;
  };
  return (
    <nav class="pager" aria-label="Pages">
      {page > 1 ? (
        <a href={link(page - 1)} rel="prev">
          {words[0]}
        </a>
      ) : (
        <span />
      )}
      <span>
        Page {page} of {pages}
      </span>
      {page < pages ? (
        <a href={link(page + 1)} rel="next">
          {words[1]}
        </a>
      ) : (
        <span />
      )}
    </nav>
  );
}
