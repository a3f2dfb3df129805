import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(__dirname, '../..');
/** A platform starts again what has ended, after so long. */
const RESTART_MS = 1_000;
const KEPT_LINES = 10;

/** One producer or worker, with all processes that it starts itself, which comes back when it ends. */
export class Part {
  /** Takes what it writes on stdout. */
  onLine: (line: string) => void = () => undefined;
  /** Called when it has ended, before it comes back. */
  onEnd: () => void = () => undefined;
  private child: ChildProcess | undefined;
  private stopping = false;
  private readonly said: string[] = [];

  constructor(
    readonly name: string,
    private readonly command: readonly [program: string, ...parameters: string[]],
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  start(): void {
    const [program, ...parameters] = this.command;
    // A group of its own: a signal to it reaches whatever it started, as one to a container or a machine does.
    const child = spawn(program, parameters, {
      cwd: ROOT,
      detached: true,
      env: { ...process.env, ...this.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.said.push(error.message));
    createInterface({ input: child.stdout }).on('line', (line) => this.onLine(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.said.push(line);
      if (this.said.length > KEPT_LINES) this.said.shift();
    });
    child.once('exit', () => {
      this.signal(child, 'SIGKILL');
      this.onEnd();
      void sleep(RESTART_MS).then(() => {
        if (!this.stopping) this.start();
      });
    });
  }

  /** What it last said on stderr, for an error message. */
  get lastWords(): string {
    return `${this.name}: ${this.said.join(' | ')}`;
  }

  write(text: string): void {
    this.child?.stdin?.write(text);
  }

  /** SIGTERM, to the program alone, which may end what it does; it comes back. */
  terminate(): void {
    this.child?.kill('SIGTERM');
  }

  /** SIGKILL to all of it; it comes back. */
  kill(): void {
    if (this.child !== undefined) this.signal(this.child, 'SIGKILL');
  }

  freeze(): void {
    if (this.child !== undefined) this.signal(this.child, 'SIGSTOP');
  }

  goOn(): void {
    if (this.child !== undefined) this.signal(this.child, 'SIGCONT');
  }

  /** Ends all of it, for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    // A program that could not be started has no pid, and never ends.
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    this.signal(child, 'SIGKILL');
    await gone;
  }

  private signal(child: ChildProcess, name: NodeJS.Signals): void {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch (error) {
      // Nobody of the group is left.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
