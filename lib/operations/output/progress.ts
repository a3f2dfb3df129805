/** Until then nobody wonders whether something happens. */
const QUIET_MS = 2_000;
const EVERY_MS = 1_000;
/** Where lines cannot be rewritten, in a log. */
const LINE_EVERY_SECONDS = 15;
const WIDTH = 79;

/** One line on standard error that says what is waited for and since when; rewritten where that is a terminal. */
export class Progress {
  private what = '';
  private told = '';
  private since = 0;
  private shown = false;
  private timer: NodeJS.Timeout | undefined;
  private nextLineAt = 0;

  constructor(private readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean }) {}

  /** @returns what ends it. */
  begin(what: string): () => void {
    this.stop();
    this.what = what;
    this.told = '';
    this.since = performance.now();
    this.nextLineAt = 0;
    this.timer = setInterval(() => this.tick(), EVERY_MS);
    this.timer.unref();
    return () => this.stop();
  }

  detail(words: string): void {
    this.told = words;
  }

  /** Writes something else without leaving half of a line behind. */
  above(words: string): void {
    this.clear();
    this.stream.write(words);
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.clear();
  }

  private tick(): void {
    const milliseconds = performance.now() - this.since;
    if (milliseconds < QUIET_MS) return;
    const seconds = Math.round(milliseconds / 1_000);
    const line = `${this.what}${this.told === '' ? '' : `: ${this.told}`} (${seconds} s)`;
    if (this.stream.isTTY === true) {
      this.stream.write(`\r\u001b[K${line.slice(0, WIDTH)}`);
      this.shown = true;
    } else if (seconds >= this.nextLineAt) {
      this.stream.write(`${line}\n`);
      this.nextLineAt = seconds + LINE_EVERY_SECONDS;
    }
  }

  private clear(): void {
    if (this.shown) this.stream.write('\r\u001b[K');
    this.shown = false;
  }
}
