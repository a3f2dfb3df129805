import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import { buildSync } from 'esbuild';
import type { StageConfiguration } from '../config';
import { logRetention } from './log-retention';
import { acknowledgeWildcards } from './nag';

export interface CustomResourceFunctionProps {
  /** The handler's file beside this one, with the suffix .lambda.ts. */
  readonly file: string;
  readonly configuration: StageConfiguration;
  readonly statements: readonly iam.PolicyStatement[];
  /** @default - one minute */
  readonly timeout?: Duration;
}

/** A Lambda function behind a custom resource, bundled by the local esbuild, with its own role and log group. */
export class CustomResourceFunction extends Construct {
  readonly function: lambda.Function;
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: CustomResourceFunctionProps) {
    super(scope, id);
    const logGroup = functionLogs(this, props.configuration);
    this.role = functionRole(this, logGroup, props.statements);
    const folder = bundled(props.file);
    this.function = new lambda.Function(this, 'Function', {
      code: lambda.Code.fromAsset(folder),
      handler: 'index.handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 256,
      timeout: props.timeout ?? Duration.minutes(1),
      role: this.role,
      logGroup,
    });
    // CDK has copied it into the cloud assembly by now.
    rmSync(folder, { recursive: true });
  }
}

/**
 * One file in a folder of its own, by the esbuild of this repository. CDK's NodejsFunction does the same through `npx`,
 * which for three functions takes longer than the rest of a synth.
 */
function bundled(file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'custom-resource-'));
  buildSync({
    entryPoints: [join(__dirname, file)],
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    // The runtime holds it.
    external: ['@aws-sdk/*'],
  });
  return folder;
}

export interface CustomResourceProviderProps {
  readonly configuration: StageConfiguration;
  readonly onEvent: CustomResourceFunction;
  /** @default - the resource is complete as soon as onEvent returns */
  readonly isComplete?: {
    readonly handler: CustomResourceFunction;
    readonly every: Duration;
    readonly limit: Duration;
  };
}

/** CDK's provider framework, with roles and a log group that are no wider than needed. */
export function customResourceProvider(scope: Construct, id: string, props: CustomResourceProviderProps): Provider {
  const framework = new Construct(scope, `${id}Framework`);
  const logGroup = functionLogs(framework, props.configuration);
  const { isComplete } = props;
  const provider = new Provider(scope, id, {
    onEventHandler: props.onEvent.function,
    frameworkOnEventRole: functionRole(new Construct(framework, 'OnEvent'), logGroup, []),
    logGroup,
    ...(isComplete === undefined
      ? {}
      : {
          isCompleteHandler: isComplete.handler.function,
          queryInterval: isComplete.every,
          totalTimeout: isComplete.limit,
          frameworkCompleteAndTimeoutRole: functionRole(new Construct(framework, 'IsComplete'), logGroup, []),
        }),
  });
  acknowledgeFramework(provider, framework, [props.onEvent, ...(isComplete === undefined ? [] : [isComplete.handler])]);
  return provider;
}

/** What CDK's framework does of itself and leaves no choice in. */
function acknowledgeFramework(
  provider: Provider,
  roles: IConstruct,
  handlers: readonly CustomResourceFunction[],
): void {
  const reason = 'CDK lets its framework call any version of this one function.';
  const versions = (arn: string): string => `${arn}:*`;
  acknowledgeWildcards(
    roles,
    handlers.map((handler) => versions(handler.function.functionArn)),
    reason,
  );
  const waiter = provider.node.tryFindChild('waiter-state-machine');
  if (waiter === undefined) return;
  const called = provider.node.children
    .filter((child) => child instanceof lambda.Function)
    .filter(({ node }) => node.id === 'framework-isComplete' || node.id === 'framework-onTimeout');
  acknowledgeWildcards(
    waiter,
    called.map(({ functionArn }) => versions(functionArn)),
    reason,
  );
  Validations.of(waiter).acknowledge(
    {
      id: 'AwsSolutions-SF1',
      reason: 'It only asks every few seconds; what happened stands in the logs of the functions.',
    },
    { id: 'AwsSolutions-SF2', reason: 'It only asks every few seconds; there is nothing to trace across services.' },
  );
}

function functionLogs(scope: Construct, configuration: StageConfiguration): logs.LogGroup {
  return new logs.LogGroup(scope, 'Logs', {
    retention: logRetention(configuration),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

function functionRole(scope: Construct, logGroup: logs.LogGroup, statements: readonly iam.PolicyStatement[]): iam.Role {
  const role = new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  for (const statement of statements) role.addToPolicy(statement);
  return role;
}
