import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { CONFIGURATION, STAGE } from './cdk';
import type { EmulatedAws } from './emulated-aws';
import { ROOT } from './run-in-project';

const LIMIT_MS = 300_000;

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
    // What stands behind `--` is no option of ours, so the stage comes before.
    const line = [join(ROOT, 'bin', 'holdfast.mjs'), command, '--stage', STAGE, '--config', CONFIGURATION, ...words];
    return await new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        line,
        { cwd: ROOT, env: { ...process.env, ...this.environment }, timeout: LIMIT_MS },
        (error, output, errors) => {
          const exitCode = error === null ? 0 : error.code;
          if (typeof exitCode === 'number') resolve({ exitCode, output, errors });
          else
            reject(
              new Error(`npx holdfast ${[command, ...words].join(' ')} did not end by itself: ${output}${errors}`),
            );
        },
      );
    });
  }

  /** The load balancer's name leads nowhere: the emulator serves it, by the name in the request. */
  private get environment(): Readonly<Record<string, string>> {
    return { ...this.aws.environment, HOLDFAST_CONNECT_TO: `127.0.0.1:${this.aws.port}`, NO_COLOR: '1' };
  }
}
