import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Answers, Command, Message, Question, Role } from './messages';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The benchmark's end of a measuring process. */
export class PlayerClient {
  /** Tasks that it has completed since it was started. */
  completed = 0;
  /** When the last of them was seen, in ms of `clockMs`. */
  completedAtMs = 0;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
    private readonly onCompleted: () => void,
  ) {
    child.on('message', (message: Message) => this.receive(message));
    child.on('exit', (code, signalName) => this.fail(signalName ?? `exit code ${code ?? 'unknown'}`));
  }

  /**
   * Starts a process for `role`. It is killed when `signal` aborts.
   * @param onCompleted called whenever `completed` has grown
   */
  static async start(role: Role, signal: AbortSignal, onCompleted: () => void): Promise<PlayerClient> {
    signal.throwIfAborted();
    // Its output goes to stderr: stdout belongs to the report.
    const child = fork(join(__dirname, 'player.ts'), { stdio: ['ignore', 2, 2, 'ipc'] });
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    child.once('exit', () => signal.removeEventListener('abort', kill));
    const client = new PlayerClient(`${role.contender} ${role.kind}`, child, onCompleted);
    await client.ask({ do: 'open', role });
    return client;
  }

  /** @throws Error when the process fails or ends. */
  ask<C extends Command>(command: C): Promise<Answers[C['do']]> {
    this.lastId += 1;
    const question: Question = { id: this.lastId, command };
    return new Promise<Answers[C['do']]>((resolve, reject) => {
      this.waiting.set(question.id, { resolve: (value) => resolve(value as Answers[C['do']]), reject });
      if (this.child.connected) this.child.send(question);
      else reject(new Error(`the ${this.name} process has ended`));
    });
  }

  /** Closes its connections and ends it; resolves when it is gone. */
  async close(): Promise<void> {
    await this.ask({ do: 'close' });
    await this.end('SIGTERM');
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await gone;
  }

  private receive(message: Message): void {
    if (message.kind === 'completed') {
      this.completed = message.count;
      this.completedAtMs = message.atMs;
      this.onCompleted();
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new Error(`${this.name}: ${message.reason}`));
  }

  private fail(ending: string): void {
    for (const { reject } of this.waiting.values()) {
      reject(new Error(`the ${this.name} process ended (${ending}) before it was done`));
    }
    this.waiting.clear();
  }
}
