import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { ConfigurationError, resolveStage, stagesOf } from '../config';
import type { StageConfiguration } from '../config';
import { similarTo } from '../config/similar';
import { readDeployment } from '../deployment-file';
import type { Deployment } from '../deployment-stage';
import { AppApi } from './app-api/app-api';
import { AwsClients } from './aws/clients';
import { EXIT, OperationsError, missingError, usageError } from './exit-codes';
import type { Terminal } from './output/terminal';
import { DeployedStage } from './stage/deployed-stage';
import { localApp } from './stage/local-app';

/** The name of the stage that `npm start` runs. */
export const LOCAL = 'local';

export interface ContextOptions {
  readonly stage: string;
  /** The configuration file, relative to the folder that the command runs in. */
  readonly file: string;
  /** The project's folder. */
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What a command works with. Everything is read when it is first asked for, so that a command needs only what it uses. */
export class OperationsContext {
  readonly stage: string;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  private readonly once = new Map<string, Promise<unknown>>();

  constructor(readonly options: ContextOptions) {
    this.stage = options.stage;
    this.terminal = options.terminal;
    this.signal = options.signal;
  }

  get isLocal(): boolean {
    return this.stage === LOCAL;
  }

  /** What the configuration file exports. @throws OperationsError with its mistakes. */
  deployment(): Promise<Deployment> {
    return this.first('deployment', () => told(() => readDeployment(this.options.file)));
  }

  /** The stage's configuration. @throws OperationsError when there is no such stage, or its values are wrong. */
  configuration(): Promise<StageConfiguration> {
    return this.first('configuration', async () => {
      const { default: configuration } = await this.deployment();
      return told(() => {
        const stages = stagesOf(configuration);
        if (!stages.includes(this.stage)) {
          const meant = similarTo(this.stage, [...stages, LOCAL]) ?? stages[0] ?? '';
          throw missingError(
            `--stage is "${this.stage}"; allowed is ${[...stages, LOCAL].join(' or ')}: write --stage ${meant}, or add it to stages in ${this.options.file}.`,
          );
        }
        return Promise.resolve(resolveStage(configuration, this.stage));
      });
    });
  }

  /** Clients for the stage's region; who is asked for is known. @throws OperationsError without usable credentials. */
  async aws(): Promise<AwsClients> {
    const clients = await this.clients();
    await this.account();
    return clients;
  }

  /** The account of the credentials. @throws OperationsError when it is not the one that the stage names. */
  account(): Promise<string> {
    return this.first('account', async () => {
      const { account, stage } = await this.configuration();
      const { Account = '' } = await (await this.clients()).sts.send(new GetCallerIdentityCommand({}));
      if (account === undefined || account === Account) return Account;
      throw new OperationsError(
        EXIT.credentials,
        `The credentials are of account ${Account}, and stages.${stage}.account is ${account}: choose others with AWS_PROFILE.`,
      );
    });
  }

  /** The stage as it stands in AWS. */
  deployed(): Promise<DeployedStage> {
    return this.first(
      'deployed',
      async () => new DeployedStage(await this.aws(), await this.configuration(), await this.account()),
    );
  }

  /** The app's administration routes, at the stage's address. */
  app(): Promise<AppApi> {
    return this.first('app', async () => {
      const { environment, root } = this.options;
      if (this.isLocal) return localApp({ root, environment, signal: this.signal });
      refuseOtherEngines(await this.configuration());
      const aws = await this.aws();
      const deployed = await this.deployed();
      const SecretId = await deployed.published('admin-token', 'secret-arn');
      if (SecretId === undefined) {
        throw missingError(
          `The stage ${this.stage} has published no admin-token/secret-arn: deploy its stateful stack.`,
        );
      }
      const { SecretString = '' } = await aws.secrets.send(new GetSecretValueCommand({ SecretId }));
      return new AppApi({
        baseUrl: await deployed.url(),
        adminToken: SecretString,
        tokenFrom: `Secrets Manager (${SecretId})`,
        connectTo: environment['HOLDFAST_CONNECT_TO'],
        signal: this.signal,
      });
    });
  }

  /** For what checks the configuration by itself. @throws OperationsError with its mistakes. */
  checked<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toldMistake(error);
    }
  }

  private clients(): Promise<AwsClients> {
    return this.first('clients', async () => new AwsClients((await this.configuration()).region, this.signal));
  }

  private first<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.once.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.once.set(name, made);
    return made;
  }
}

const OTHER_ENGINES: Readonly<Partial<Record<StageConfiguration['taskEngine'], string>>> = {
  celery: 'Celery, whose own tool does it: npx holdfast exec PROCESS -- celery -A APP inspect active, or control',
  custom: 'an engine of your own: use the tool that belongs to it',
};

function refuseOtherEngines({ stage, taskEngine }: StageConfiguration): void {
  const other = OTHER_ENGINES[taskEngine];
  if (other !== undefined) throw usageError(`Tasks of the stage ${stage} are done by ${other}.`);
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toldMistake(error);
  }
}

/** Mistakes of the configuration are the user's to mend, like wrong options. */
function toldMistake(error: unknown): unknown {
  return error instanceof ConfigurationError ? new OperationsError(EXIT.usage, error.message, { cause: error }) : error;
}
