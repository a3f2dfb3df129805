import type { TaskLogger } from '../../../app/src/tasks';

/** Lines kept; a fault that goes on for a minute must not fill the memory. */
const KEPT = 2_000;
/** Lines shown when a test fails. */
const SHOWN = 300;

/** What the processes of a test wrote, in the order of their coming, and shown only when the test fails. */
export class LogBook {
  private readonly lines: string[] = [];

  /** Keeps one line of a process's output. */
  add(source: string, line: string): void {
    this.lines.push(`${new Date().toISOString()} ${source.padEnd(10)} ${line}`);
    if (this.lines.length > KEPT) this.lines.splice(0, KEPT / 2);
  }

  /** Keeps what the test itself did. */
  note(line: string): void {
    this.add('test', line);
  }

  /** Keeps what the test measured and prints it: the figures behind a test that passes. */
  report(line: string): void {
    this.note(line);
    process.stderr.write(`  ${line}\n`);
  }

  /** A logger for an engine that runs inside the test. */
  taskLogger(): TaskLogger {
    const write = (level: string) => (fields: object, message: string) =>
      this.add(level, `${message} ${JSON.stringify(fields)}`);
    return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
  }

  /** Those of `words` that `source` has written in a line that contains `text`. */
  wordsBeside(source: string, text: string, words: readonly string[]): string[] {
    const lines = this.lines.filter((line) => line.includes(` ${source} `) && line.includes(text));
    return words.filter((word) => lines.some((line) => line.includes(word)));
  }

  /** The last lines of everybody. */
  tail(): string {
    return this.lines.slice(-SHOWN).join('\n');
  }

  /** Runs a test; when it fails, shows the last lines of everybody before the error goes on. */
  async shownOnFailure(test: () => Promise<void>): Promise<void> {
    try {
      await test();
    } catch (error) {
      process.stderr.write(`${this.tail()}\n`);
      throw error;
    }
  }
}
