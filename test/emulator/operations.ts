import { execFile, spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { once } from 'node:events';
import { waitUntil } from '../../app/local/servers/wait-until';
import { CONFIGURATION, STAGE } from './cdk';
import type { EmulatedAws } from './emulated-aws';
import { ROOT } from './run-in-project';

const LIMIT_MS = 300_000;
/** The emulator's servers know a new password when the answer comes. */
const SETTLE_SECONDS = '1';
/** The folder of what stands in for AWS's session-manager-plugin. */
const PLUGIN = join(__dirname, 'plugin');

export interface Answer {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** `npx holdfast` on the emulated stage, as an operator runs it. */
export class Operations {
  constructor(private readonly aws: EmulatedAws) {}

  /** The words after `npx holdfast`, the stage's aside. */
  async run(command: string, ...words: readonly string[]): Promise<Answer> {
    return await this.runWith('', command, ...words);
  }

  /** @param input what comes from standard input. */
  async runWith(input: string, command: string, ...words: readonly string[]): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const child = execFile(
        process.execPath,
        lineOf(command, words),
        { cwd: ROOT, env: this.environment, timeout: LIMIT_MS },
        (error, output, errors) => {
          const exitCode = error === null ? 0 : error.code;
          if (typeof exitCode === 'number') resolve({ exitCode, output, errors });
          else
            reject(
              new Error(`npx holdfast ${[command, ...words].join(' ')} did not end by itself: ${output}${errors}`),
            );
        },
      );
      child.stdin?.end(input);
    });
  }

  /**
   * Waits until the command has said so, runs `use`, and presses Ctrl-C, which a terminal gives to all of the command's
   * processes. @throws when the command ends before it has said so.
   */
  async during(said: RegExp, use: () => Promise<void>, command: string, ...words: readonly string[]): Promise<Answer> {
    const child = spawn(process.execPath, lineOf(command, words), {
      cwd: ROOT,
      env: this.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    const ended = once(child, 'close') as Promise<[number | null]>;
    try {
      await waitUntil(
        `npx holdfast ${command} says ${said.source}`,
        () => {
          if (child.exitCode !== null) throw new Error(`npx holdfast ${command} ended: ${output}${errors}`);
          return said.test(output);
        },
        { limitSeconds: LIMIT_MS / 1_000 },
      );
      await use();
    } finally {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
    }
    const [exitCode] = await ended;
    return { exitCode: exitCode ?? -1, output, errors };
  }

  /** The load balancer's name leads nowhere: the emulator serves it, by the name in the request. */
  private get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      ...this.aws.environment,
      PATH: `${PLUGIN}${delimiter}${process.env.PATH ?? ''}`,
      HOLDFAST_SETTLE_SECONDS: SETTLE_SECONDS,
      HOLDFAST_CONNECT_TO: `127.0.0.1:${this.aws.port}`,
      NO_COLOR: '1',
    };
  }
}

/** What stands behind `--` is no option of ours, so the stage comes before. */
function lineOf(command: string, words: readonly string[]): string[] {
  return [join(ROOT, 'bin', 'holdfast.mjs'), command, '--stage', STAGE, '--config', CONFIGURATION, ...words];
}
