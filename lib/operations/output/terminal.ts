import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { AwsError } from '../aws/told-error';
import { EXIT, OperationsError, usageError } from '../exit-codes';
import { Progress } from './progress';
import type { RenderOptions } from './render';
import { capitalised } from './sentence';

/** The streams of a process, or those of a test. */
export interface Streams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly errors: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export interface TerminalOptions extends Streams {
  readonly json: boolean;
  /** Questions are answered with yes without being asked. */
  readonly yes: boolean;
  /** Whether colours are allowed; where the output is no terminal there are none anyway. */
  readonly color: boolean;
  readonly signal: AbortSignal;
}

/** What is left behind where a command ends in the middle of something, each as a sentence that begins small. */
export interface LeftBehind {
  /** What goes on without the command, when it is interrupted or AWS refuses to say more. @default - nothing does */
  readonly goesOn?: string;
  /** What is still to be done, whatever ended it. @default - nothing is */
  readonly unfinished?: string;
}

/** Width of every output: what fits into the narrowest usual terminal is read everywhere alike. */
export const WIDTH = 80;

/** The person in front of a command: what is told, asked and read. */
export class Terminal {
  readonly json: boolean;
  readonly rendering: RenderOptions;
  private readonly progress: Progress;

  constructor(private readonly options: TerminalOptions) {
    this.json = options.json;
    this.rendering = { color: options.color && options.output.isTTY === true, width: WIDTH };
    this.progress = new Progress(options.errors);
  }

  /** Writes to standard output: what was asked for. */
  write(words: string): void {
    this.options.output.write(words);
  }

  /** A line on standard error: what goes on, and hints; not with --json. */
  say(sentence: string): void {
    if (!this.json) this.progress.above(`${sentence}\n`);
  }

  /** A line of standard output that comes while something is waited for; not with --json. */
  line(words: string): void {
    if (this.json) return;
    this.progress.above('');
    this.write(`${words}\n`);
  }

  /** Shows on standard error what is waited for, from two seconds on. @throws what `work` throws, and what that leaves. */
  async during<T>(
    what: string,
    work: (tell: (detail: string) => void) => Promise<T>,
    left: LeftBehind = {},
  ): Promise<T> {
    const end = this.progress.begin(what);
    try {
      return await work((detail) => this.progress.detail(detail));
    } catch (error) {
      throw this.leaving(error, left);
    } finally {
      end();
    }
  }

  /**
   * Asks before something that cannot be taken back, or that disturbs.
   * @throws OperationsError when nobody can be asked, or the answer is not yes.
   */
  async confirm(question: string): Promise<void> {
    if (this.options.yes) return;
    this.requirePerson(`"${question}" is to be answered first`, 'add --yes to answer it with yes');
    const answer = await this.ask(`${question} [y/N] `, this.options.errors);
    if (!/^(y|yes)$/i.test(answer.trim())) {
      throw new OperationsError(EXIT.found, 'Nothing was changed: the question was not answered with yes.');
    }
  }

  /** A value that is not shown: from standard input where that is no terminal, else from a person, twice. */
  async readSecret(name: string): Promise<string> {
    if (this.options.input.isTTY !== true) {
      const chunks: Buffer[] = [];
      for await (const chunk of this.options.input) chunks.push(Buffer.from(chunk));
      // The line break that `echo` and editors add is none of the value.
      return Buffer.concat(chunks)
        .toString('utf8')
        .replace(/\r?\n$/, '');
    }
    const first = await this.askHidden(`Value of ${name} (not shown): `);
    if ((await this.askHidden('The same again: ')) === first) return first;
    throw usageError(`The two values of ${name} differ, and nothing was changed: start again.`);
  }

  private leaving(error: unknown, { goesOn, unfinished }: LeftBehind): unknown {
    const left = unfinished ?? goesOn;
    if (left === undefined) return error;
    if (this.options.signal.aborted) {
      return new OperationsError(EXIT.interrupted, `Interrupted: ${left}`, { cause: error });
    }
    // Other errors say what became of that which would go on.
    const Told = unfinished === undefined ? AwsError : OperationsError;
    return error instanceof Told ? error.and(capitalised(left)) : error;
  }

  private requirePerson(what: string, mend: string): void {
    if (this.options.input.isTTY === true && !this.json) return;
    const why = this.json ? 'with --json nobody is asked' : 'standard input is no terminal';
    throw usageError(`${what}, and ${why}: ${mend}.`);
  }

  private async askHidden(prompt: string): Promise<string> {
    this.options.errors.write(prompt);
    const answer = await this.ask('', new Writable({ write: (_chunk, _encoding, done) => done() }));
    this.options.errors.write('\n');
    return answer;
  }

  /** @returns an empty answer for Ctrl-D. */
  private async ask(prompt: string, output: NodeJS.WritableStream): Promise<string> {
    const { input, signal } = this.options;
    const reader = createInterface({ input, output, terminal: input.isTTY === true });
    // In a terminal's raw mode Ctrl-C is a key and no signal.
    reader.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    try {
      // By its version, Node.js rejects the question at Ctrl-D or never settles it (nodejs/node, issue 53497).
      const closed = once(reader, 'close').then(() => undefined);
      const answered = reader.question(prompt, { signal }).catch(() => undefined);
      const answer = await Promise.race([answered, closed]);
      if (answer !== undefined) return answer;
      signal.throwIfAborted();
      output.write('\n');
      return '';
    } finally {
      reader.close();
    }
  }
}
