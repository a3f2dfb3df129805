import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNT, REGION } from './emulated-aws';
import { ROOT, runInProject } from './run-in-project';
import type { Ended } from './run-in-project';

const CDK = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

export const STAGE = 'test';
/** Relative to the repository, where the CDK's command line runs. */
export const CONFIGURATION = 'test/emulator/holdfast.config.ts';

const CONTEXT = ['-c', `stage=${STAGE}`, '-c', `config=${CONFIGURATION}`];

export interface DeployOptions {
  /** Context beyond stage and configuration, by which the configuration chooses a version. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly words?: readonly string[];
}

/** The CDK's command line on the stage of holdfast.config.ts beside this file, as a person runs it. */
export class Cdk {
  /** The cloud assembly of the last synth. */
  readonly assembly = mkdtempSync(join(tmpdir(), 'holdfast-assembly-'));

  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  async bootstrap(): Promise<void> {
    await this.succeed(['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
  }

  /** @returns the outputs of all stacks, by stack. */
  async deploy(options: DeployOptions = {}): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
    const file = join(this.assembly, 'outputs.json');
    await this.succeed(['deploy', '--all', '--outputs-file', file, ...(options.words ?? [])], options);
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
  }

  async tryDeploy(options: DeployOptions = {}): Promise<Ended> {
    return await this.run(['deploy', '--all', ...(options.words ?? [])], options.environment);
  }

  async destroy(): Promise<void> {
    await this.succeed(['destroy', '--all', '--force']);
  }

  remove(): void {
    rmSync(this.assembly, { recursive: true, force: true });
  }

  private async succeed(words: readonly string[], options: DeployOptions = {}): Promise<void> {
    const { exitCode, output } = await this.run(words, options.environment);
    if (exitCode !== 0) throw new Error(`cdk ${words.join(' ')} ended with exit code ${exitCode}:\n${output}`);
  }

  private run(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const [command] = words;
    // Destroying needs no other templates than those that were deployed.
    const app = command === 'destroy' ? ['--app', this.assembly] : ['--output', this.assembly, ...CONTEXT];
    const common = ['--require-approval', 'never', '--progress', 'events', '--ci'];
    return runInProject(process.execPath, [CDK, ...words, ...(command === 'bootstrap' ? [] : app), ...common], {
      ...this.environment,
      ...environment,
      CI: 'true',
    });
  }
}
