import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, signal } from '../../../app/local/servers/process-table';
import { spawnServer } from '../../../app/local/servers/spawn-server';
import type { SpawnedServer } from '../../../app/local/servers/spawn-server';
import { settlesWithin, waitUntil } from '../../../app/local/servers/wait-until';
import { ENVIRONMENT } from '../../../app/src/contract';
import { Life } from './life';
import type { LogBook } from './log-book';

const ROOT = join(__dirname, '../../..');
/** A stopping process may drain its tasks; it is killed after this. */
const STOP_SECONDS = 15;

export interface AppProcessOptions {
  /** As shown before its log lines. */
  readonly name: string;
  /** File of app/src that the process runs. */
  readonly entry: 'web.ts' | 'worker.ts' | 'scheduler.ts' | 'migrate.ts';
  readonly programArguments?: readonly string[];
  /** Folder whose app/src the process runs. @default this repository */
  readonly root?: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Where its metrics are read; a port of its own. */
  readonly metricsPort: number;
  readonly log: LogBook;
  /** Resolves as soon as the process is ready for work; looked at after every start. */
  readonly ready: (pid: number) => Promise<void>;
}

/** An end that no test caused. */
export interface OwnEnd {
  readonly process: string;
  /** Such as "exit code 1" or "signal SIGKILL". */
  readonly ending: string;
  /** In ms since 1970. */
  readonly atMs: number;
}

/** One real process of the app, to be killed, frozen and started again. */
export class AppProcess {
  readonly life = new Life();
  /** Since it was ready, each time. */
  readonly ownEnds: OwnEnd[] = [];
  private server: SpawnedServer | undefined;
  /** It was told to end. */
  private condemned: SpawnedServer | undefined;

  constructor(private readonly options: AppProcessOptions) {}

  get name(): string {
    return this.options.name;
  }

  get pid(): number {
    if (this.server === undefined) throw new Error(`${this.name} has not been started`);
    return this.server.pid;
  }

  get alive(): boolean {
    return this.server !== undefined && this.server.ending() === undefined && isAlive(this.server.pid);
  }

  /** Starts the process and waits until it is ready. @throws Error with its last lines when it ends instead. */
  async start(): Promise<void> {
    const { name, options } = this;
    const server = await this.spawn();
    const died = server.ended.then((ending) => {
      throw new Error(`${name} ended with ${ending} before it was ready: ${server.lastLines().join(' | ')}`);
    });
    // Once it was ready, its death is no error but what a test may want.
    died.catch(() => undefined);
    await Promise.race([options.ready(server.pid), died]);
    this.life.begins(server.pid);
    void server.ended.then((ending) => {
      this.life.ends('blow', server.pid);
      if (server !== this.condemned) this.ownEnds.push({ process: name, ending, atMs: Date.now() });
    });
  }

  /** Runs a process that ends by itself. @throws Error with its last lines when it fails. */
  async runToEnd(): Promise<void> {
    const server = await this.spawn();
    const ending = await server.ended;
    if (ending !== 'exit code 0') {
      throw new Error(`${this.name} ended with ${ending}: ${server.lastLines().join(' | ')}`);
    }
  }

  /** A counter of the engine in this process, by its name in GET /metrics. @throws when it is not there */
  async counter(name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.options.metricsPort}/metrics`);
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await answer.text())?.[1];
    if (value === undefined) throw new Error(`${this.name} has no metric ${name}`);
    return Number(value);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.options.log.note(`SIGKILL to ${this.name}`);
    this.life.ends('blow');
    this.end('SIGKILL');
    await this.server?.ended;
  }

  /** SIGSTOP; resolves when it does not move any more. */
  async freeze(): Promise<void> {
    const { pid } = this;
    this.options.log.note(`SIGSTOP to ${this.name}`);
    this.life.ends('blow');
    signal(pid, 'SIGSTOP');
    await waitUntil(`${this.name} stands still`, () => isStopped(pid), { limitSeconds: 5 });
  }

  thaw(): void {
    this.options.log.note(`SIGCONT to ${this.name}`);
    signal(this.pid, 'SIGCONT');
    this.life.begins(this.pid);
  }

  /** SIGTERM; resolves with how it ended, when it has. */
  async terminate(): Promise<string> {
    this.options.log.note(`SIGTERM to ${this.name}`);
    this.life.ends('notice');
    this.end('SIGTERM');
    return (await this.server?.ended) ?? 'not started';
  }

  /** Resolves with how it ended, when it has. */
  ended(): Promise<string> {
    return this.server?.ended ?? Promise.resolve('not started');
  }

  /** SIGTERM, and SIGKILL to what has not drained in time; resolves when it is gone. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined || server.ending() !== undefined) return;
    this.life.ends('notice');
    this.end('SIGTERM');
    signal(server.pid, 'SIGCONT');
    if (!(await settlesWithin(server.ended, STOP_SECONDS))) signal(server.pid, 'SIGKILL');
    await server.ended;
  }

  private end(by: 'SIGKILL' | 'SIGTERM'): void {
    // What has ended already has ended by itself.
    if (this.server?.ending() === undefined) this.condemned = this.server;
    signal(this.pid, by);
  }

  private async spawn(): Promise<SpawnedServer> {
    const { name, entry, environment, metricsPort, log, programArguments = [], root = ROOT } = this.options;
    this.server = await spawnServer({
      program: process.execPath,
      arguments: ['--import', 'tsx', join('app/src', entry), ...programArguments],
      folder: root,
      environment: { ...environment, [ENVIRONMENT.metricsPort]: String(metricsPort) },
      log: (line) => log.add(name, line),
    });
    return this.server;
  }
}

/** State T of proc_pid_stat(5); where there is no /proc, SIGSTOP is taken at its word. */
function isStopped(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return true;
  }
}
