/** Counting a long backlog takes time; it may take this share of it, so a slow count is asked for less often. */
const COUNTING_SHARE = 0.1;
const EVERY_MS = 1_000;

/** An answer that many readers share: asked for at most once a second, and the less often the longer it takes. */
export class SharedAnswer<T> {
  private cached: { readonly answer: Promise<T>; freshUntilMs: number } | undefined;

  constructor(private readonly ask: () => Promise<T>) {}

  /** A failed answer is not kept. */
  get(): Promise<T> {
    const nowMs = performance.now();
    if (this.cached !== undefined && nowMs < this.cached.freshUntilMs) return this.cached.answer;
    // Fresh for ever while it is under way, so that many readers share one count.
    const entry = { answer: this.ask(), freshUntilMs: Infinity };
    this.cached = entry;
    entry.answer.then(
      () => {
        const tookMs = performance.now() - nowMs;
        entry.freshUntilMs = performance.now() + Math.max(EVERY_MS, tookMs / COUNTING_SHARE);
      },
      () => (entry.freshUntilMs = 0),
    );
    return entry.answer;
  }
}
