/** A time during which a process was well as far as its test knows, in ms since 1970. */
export interface WellSpan {
  readonly pid: number;
  readonly fromMs: number;
  /** Infinity while it goes on. */
  readonly toMs: number;
  /** `notice`: it was asked to stop, and may end what it had begun. `blow`: it was killed or frozen, or died. */
  readonly end: 'notice' | 'blow' | undefined;
}

/** When one process was well, over all its starts: what can be asked of it, and what cannot. */
export class Life {
  private readonly ended: WellSpan[] = [];
  private current: WellSpan | undefined;

  get spans(): readonly WellSpan[] {
    return this.current === undefined ? this.ended : [...this.ended, this.current];
  }

  /** It is ready for work from now on. */
  begins(pid: number): void {
    this.ends('blow');
    this.current = { pid, fromMs: Date.now(), toMs: Infinity, end: undefined };
  }

  /** Nothing more can be asked of it from now on. @param pid nothing happens when it is another process by now */
  ends(end: 'notice' | 'blow', pid?: number): void {
    const { current } = this;
    if (current === undefined || (pid !== undefined && pid !== current.pid)) return;
    this.ended.push({ ...current, toMs: Date.now(), end });
    this.current = undefined;
  }

  /** Whether a request that it was sent then, and whose answer came or failed to come then, was to be answered by it. */
  owesAnswer(sentAtMs: number, endedAtMs: number): boolean {
    return this.spans.some(
      ({ fromMs, toMs, end }) => fromMs <= sentAtMs && sentAtMs < toMs && (end !== 'blow' || endedAtMs < toMs),
    );
  }
}
