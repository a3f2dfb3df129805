import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Start, Told } from './messages';

/** One process of the soak that comes back when it was killed, as a platform would start it again. */
export class SoakProcess {
  private child: ChildProcess | undefined;
  private stopping = false;
  /** Times that it was started. */
  starts = 0;

  constructor(
    readonly name: string,
    private readonly start: Start,
    private readonly told: (told: Told) => void,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves when it is ready; from then on it is started again whenever it ends. */
  async run(): Promise<void> {
    this.starts += 1;
    const child = fork(join(__dirname, 'player.ts'), { stdio: ['ignore', 2, 2, 'ipc'] });
    this.child = child;
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', (told: Told) => {
        if (told.kind === 'ready') resolve();
        else this.told(told);
      });
      child.once('exit', (code, signal) => {
        reject(new Error(`${this.name} ended (${signal ?? `exit code ${code ?? 'unknown'}`}) before it was ready`));
        if (!this.stopping) void this.run().catch(() => undefined);
      });
    });
    child.send(this.start);
    await ready;
  }

  kill(): void {
    this.child?.kill('SIGKILL');
  }

  /** SIGTERM; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  /** MiB of memory that it holds (Linux; proc_pid_status(5), VmRSS). */
  memoryMiB(): number | undefined {
    try {
      const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid ?? 0}/status`, 'utf8'))?.[1];
      return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
    } catch {
      return undefined;
    }
  }

  /** Seconds of CPU time that it has used (Linux; proc_pid_stat(5), in hundredths). */
  cpuSeconds(): number {
    try {
      const text = readFileSync(`/proc/${this.pid ?? 0}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return 0;
    }
  }
}
