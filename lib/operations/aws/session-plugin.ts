import { execFile, spawn } from 'node:child_process';
import { DescribeTasksCommand } from '@aws-sdk/client-ecs';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError, missingError, usageError } from '../exit-codes';
import type { AwsClients } from './clients';
import { pause } from './services';
import { isAwsError } from './told-error';

const PROGRAM = 'session-manager-plugin';
const GUIDE = 'docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html';
/** From the version after this one the token may come in a variable, where other users of the machine do not see it. */
const LAST_WITHOUT_VARIABLE = [1, 2, 497, 0];
const VARIABLE = 'AWS_SSM_START_SESSION_RESPONSE';
/** The agent in a container connects some seconds after the container has started. */
const CONNECT_SECONDS = 60;
const POLL_MS = 2_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What StartSession and ExecuteCommand answer. */
export interface SessionAnswer {
  readonly SessionId?: string | undefined;
  readonly TokenValue?: string | undefined;
  readonly StreamUrl?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly tokenValue?: string | undefined;
  readonly streamUrl?: string | undefined;
}

/**
 * AWS's own program for sessions. It gets what the AWS command line gives it.
 * Source: aws-cli, `awscli/customizations/sessionmanager.py` and `ecs/executecommand.py`.
 */
export class SessionPlugin {
  private constructor(
    private readonly context: OperationsContext,
    private readonly region: string,
    private readonly takesVariable: boolean,
  ) {}

  /** @throws OperationsError when it is not installed. */
  static async find(context: OperationsContext): Promise<SessionPlugin> {
    const { region } = await context.configuration();
    const version = await versionOf(context.options.environment);
    return new SessionPlugin(context, region, isAbove(version, LAST_WITHOUT_VARIABLE));
  }

  /** Asks again while the agent that is asked for has only just started. */
  async whenConnected<T>(ask: () => Promise<T>): Promise<T> {
    const end = performance.now() + CONNECT_SECONDS * 1_000;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isAwsError(error, 'TargetNotConnectedException') || performance.now() > end) throw toldTarget(error);
        await pause(POLL_MS, this.context.signal);
      }
    }
  }

  /**
   * Gives the terminal to the session until it ends; Ctrl-C goes there.
   * @param parameters what the session was asked for with.
   * @returns the plugin's exit code.
   */
  async open(answer: SessionAnswer | undefined, parameters: object): Promise<number> {
    const session = JSON.stringify({
      SessionId: answer?.SessionId ?? answer?.sessionId,
      TokenValue: answer?.TokenValue ?? answer?.tokenValue,
      StreamUrl: answer?.StreamUrl ?? answer?.streamUrl,
    });
    const { environment } = this.context.options;
    const endpoint = environment['AWS_ENDPOINT_URL'] ?? `https://ssm.${this.region}.${domainOf(this.region)}`;
    const profile = environment['AWS_PROFILE'] ?? '';
    const words = [this.takesVariable ? VARIABLE : session, this.region, 'StartSession', profile];
    const child = spawn(PROGRAM, [...words, JSON.stringify(parameters), endpoint], {
      stdio: 'inherit',
      env: { ...environment, ...(this.takesVariable ? { [VARIABLE]: session } : {}) },
    });
    const giveBack = leaveSignalsToChild();
    try {
      return await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code) => resolve(code ?? EXIT.interrupted));
      });
    } finally {
      giveBack();
    }
  }
}

/** The container as Session Manager calls it. @throws OperationsError when the task has ended. */
export async function execTarget(
  aws: AwsClients,
  { cluster, arn, container }: { readonly cluster: string; readonly arn: string; readonly container: string },
): Promise<string> {
  const { tasks: [task] = [] } = await aws.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }));
  const id = arn.split('/').at(-1) ?? arn;
  if (task === undefined) throw missingError(`There is no task ${id} any more: choose another.`);
  const { runtimeId = '' } = task.containers?.find(({ name }) => name === container) ?? {};
  return `ecs:${cluster}_${id}_${runtimeId}`;
}

function toldTarget(error: unknown): unknown {
  if (!isAwsError(error, 'TargetNotConnectedException')) return error;
  return new OperationsError(
    EXIT.unavailable,
    'The agent of ECS Exec in the container is not connected: it lacks the rights of fleet.ecsExec, a way to Systems Manager, or a file system that it may write to (readOnlyRootFilesystem).',
    { cause: error },
  );
}

function versionOf(environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, ['--version'], { env: environment }, (error, stdout) => {
      if (error === null) resolve(stdout.trim());
      else reject(usageError(`The program ${PROGRAM} of AWS is not installed, and the session needs it: ${GUIDE}.`));
    });
  });
}

function isAbove(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  for (const [at, part] of least.entries()) {
    const own = parts[at] ?? 0;
    if (own !== part) return own > part;
  }
  return false;
}

function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/** The terminal sends Ctrl-C to both processes, and it is meant for the session. */
function leaveSignalsToChild(): () => void {
  const ignore = (): void => undefined;
  const before = SIGNALS.map((name) => ({ name, listeners: process.listeners(name) }));
  for (const name of SIGNALS) {
    process.removeAllListeners(name);
    process.on(name, ignore);
  }
  return () => {
    for (const { name, listeners } of before) {
      process.removeListener(name, ignore);
      for (const listener of listeners) process.on(name, listener);
    }
  };
}
