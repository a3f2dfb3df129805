export interface NextPageProps {
  readonly path: string;
  readonly kind?: string | undefined;
  /** Cursor of the next page; null on the last. */
  readonly next: string | null;
}

/** The link to older tasks, where there are any. */
export function NextPage({ path, kind, next }: NextPageProps) {
  if (next === null) return null;
  const search = new URLSearchParams({ ...(kind !== undefined && { kind }), after: next });
  return (
    <nav class="pager" aria-label="Pages">
      <a href={path}>Newest</a>
      <a href={`${path}?${search.toString()}`} rel="next">
        Older
      </a>
    </nav>
  );
}
