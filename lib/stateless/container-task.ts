import { ArnFormat, RemovalPolicy, Size, Stack, Validations } from 'aws-cdk-lib';
import type { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { logGroupName, taskFamily } from '../config';
import type { ProcessConfiguration, SecretConfiguration, SidecarConfiguration, StageConfiguration } from '../config';
import type { BackingServices } from '../stateful/backing-services';
import { merge } from './container-environment';
import type { ContainerEnvironment } from './container-environment';
import type { ContainerImages } from './container-images';
import { logRetention } from './log-retention';
import { acknowledgeOpenEgress, acknowledgeWildcards } from './nag';

/** What every process of the configuration has, the migration included. */
export type TaskConfiguration = Pick<
  ProcessConfiguration,
  | 'command'
  | 'image'
  | 'cpuUnits'
  | 'memoryMiB'
  | 'environment'
  | 'secrets'
  | 'permissions'
  | 'user'
  | 'readOnlyRootFilesystem'
  | 'writableFolders'
> &
  Partial<Pick<ProcessConfiguration, 'sidecars'>>;

export interface ContainerTaskProps {
  readonly configuration: StageConfiguration;
  /** Names the container, the task family and the log group: `web`, `worker-default`, `scheduler`, `migration`. */
  readonly name: string;
  readonly process: TaskConfiguration;
  readonly environment: ContainerEnvironment;
  readonly services: BackingServices;
  readonly images: ContainerImages;
  /** From SIGTERM until SIGKILL. */
  readonly stopTimeout: Duration;
  /** TCP port that others reach. @default - none */
  readonly port?: number;
  /** @default - the container counts as healthy while it runs */
  readonly healthCheck?: ecs.HealthCheck;
}

/** Megabytes of log lines that wait in memory while CloudWatch Logs does not answer. */
const LOG_BUFFER = Size.mebibytes(25);

/** One task definition with what belongs to it: container, roles, log group. */
export class ContainerTask extends Construct {
  readonly taskDefinition: ecs.Ec2TaskDefinition;
  readonly container: ecs.ContainerDefinition;
  readonly logGroup: logs.LogGroup;
  /** @default - in network mode bridge, that of the instances */
  readonly securityGroup?: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: ContainerTaskProps) {
    super(scope, id);
    const { configuration, name, process, services } = props;
    if (configuration.fleet.networkMode === 'awsvpc') {
      this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
        vpc: services.vpc,
        description: `${configuration.name} ${configuration.stage}: ${name}`,
      });
      acknowledgeOpenEgress(this.securityGroup);
    }
    this.logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: logGroupName(configuration, name),
      retention: logRetention(configuration),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.taskDefinition = new ecs.Ec2TaskDefinition(this, 'Definition', {
      family: taskFamily(configuration, name),
      networkMode: configuration.fleet.networkMode === 'awsvpc' ? ecs.NetworkMode.AWS_VPC : ecs.NetworkMode.BRIDGE,
      taskRole: this.role('TaskRole', `What the containers of ${name} may do`),
      executionRole: this.role('ExecutionRole', `Pulls the image of ${name}, reads its secrets, writes its log`),
    });
    for (const { actions, resources } of process.permissions) {
      this.taskDefinition.addToTaskRolePolicy(new iam.PolicyStatement({ actions, resources }));
    }
    Validations.of(this.taskDefinition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'Addresses and settings, which are no secrets; secrets are read from Secrets Manager at the start.',
    });
    this.container = this.addContainer(props);
    for (const [sidecar, settings] of Object.entries(process.sidecars ?? {})) this.addSidecar(sidecar, settings, props);
    this.grantKeys([
      ...[process, ...Object.values(process.sidecars ?? {})].flatMap(({ secrets }) => Object.values(secrets)),
      ...props.environment.endpoints,
    ]);
    acknowledgeWildcards(
      this.taskDefinition.executionRole,
      ['*'],
      'ecr:GetAuthorizationToken knows no resources; the layers themselves are read from the one repository.',
    );
  }

  /**
   * What has to exist before a task starts, besides the definition: the policies of its roles. A task that is faster
   * than they are cannot pull its image or read its secrets.
   */
  get roles(): readonly iam.IRole[] {
    const { executionRole, taskRole } = this.taskDefinition;
    return executionRole === undefined ? [taskRole] : [taskRole, executionRole];
  }

  private addContainer(props: ContainerTaskProps): ecs.ContainerDefinition {
    const { configuration, name, process, images, port, healthCheck } = props;
    const { environment, secrets } = merge(props.environment, {
      environment: process.environment,
      secrets: this.secrets(name, process.secrets),
    });
    return this.taskDefinition.addContainer(name, {
      image: images.of(process.image ?? configuration.image),
      ...(process.command === undefined ? {} : { command: process.command }),
      cpu: process.cpuUnits,
      memoryLimitMiB: process.memoryMiB,
      environment: { ...environment },
      secrets: { ...secrets },
      user: process.user,
      readonlyRootFilesystem: process.readOnlyRootFilesystem,
      linuxParameters: this.linuxParameters(props),
      stopTimeout: props.stopTimeout,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      // A host port of Docker's choice, so that two versions can run on one instance.
      ...(port === undefined ? {} : { portMappings: [{ name, containerPort: port, protocol: ecs.Protocol.TCP }] }),
      logging: this.logging(name),
    });
  }

  /**
   * The process starts after its sidecars, and Amazon ECS stops a task in the opposite order: a proxy carries what the
   * process finishes during its drain. An image that cannot be pulled therefore keeps the process from starting, whether
   * its sidecar is essential or not. Source: "Amazon ECS task definition parameters", dependsOn.
   */
  private addSidecar(sidecar: string, settings: SidecarConfiguration, props: ContainerTaskProps): void {
    const { command, environment, port } = settings;
    const linuxParameters = new ecs.LinuxParameters(this, `${sidecar}-Linux`);
    linuxParameters.dropCapabilities(...UNUSED_CAPABILITIES);
    const container = this.taskDefinition.addContainer(sidecar, {
      image: props.images.of(settings.image),
      ...(command === undefined ? {} : { command }),
      cpu: settings.cpuUnits,
      memoryLimitMiB: settings.memoryMiB,
      environment,
      secrets: this.secrets(sidecar, settings.secrets),
      essential: settings.essential,
      privileged: false,
      linuxParameters,
      // An agent that does not know the order signals both at once; then it has to last as long as its process.
      stopTimeout: props.stopTimeout,
      ...(port === undefined ? {} : { portMappings: [{ name: sidecar, containerPort: port }] }),
      logging: this.logging(sidecar),
    });
    this.container.addContainerDependencies({ container, condition: ecs.ContainerDependencyCondition.START });
    // In mode bridge each container has a loopback of its own; a link gives the process the sidecar's address by its name.
    // It starts in the order of the dependency, and Docker refuses one to a container that has ended: only with a port.
    if (port !== undefined && props.configuration.fleet.networkMode === 'bridge') this.container.addLink(container);
  }

  private secrets(container: string, secrets: Readonly<Record<string, SecretConfiguration>>) {
    return Object.fromEntries(
      Object.entries(secrets).map(([name, { arn, field }]) => [
        name,
        ecs.Secret.fromSecretsManager(
          secretsmanager.Secret.fromSecretCompleteArn(this, `${container}-${name}`, arn),
          field,
        ),
      ]),
    );
  }

  /** CDK knows no key of a secret that it only refers to, and its own grant would not reach the role. */
  private grantKeys(secrets: readonly { readonly kmsKeyArn?: string | undefined }[]): void {
    const keys = new Set(secrets.flatMap(({ kmsKeyArn }) => (kmsKeyArn === undefined ? [] : [kmsKeyArn])));
    for (const key of keys) {
      const { region } = Stack.of(this).splitArn(key, ArnFormat.SLASH_RESOURCE_NAME);
      this.taskDefinition.addToExecutionRolePolicy(
        new iam.PolicyStatement({
          actions: ['kms:Decrypt'],
          resources: [key],
          conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
        }),
      );
    }
  }

  private linuxParameters({ configuration, process }: ContainerTaskProps): ecs.LinuxParameters {
    // An init process passes SIGTERM on and collects orphans, which a program does not that never was process 1.
    const parameters = new ecs.LinuxParameters(this, 'Linux', { initProcessEnabled: true });
    // No program started by another user than root has capabilities; this keeps it from getting them back.
    if (!/^(root|0)(:|$)/.test(process.user)) parameters.dropCapabilities(ecs.Capability.ALL);
    const forExec = configuration.fleet.ecsExec && process.readOnlyRootFilesystem ? EXEC_FOLDERS : [];
    const folders = [...new Set([...process.writableFolders, ...forExec])];
    // They count against the container's memory: at half of it in all, full folders do not end the process.
    const size = Math.max(1, Math.floor(process.memoryMiB / (2 * Math.max(2, folders.length))));
    for (const containerPath of folders) {
      parameters.addTmpfs({
        containerPath,
        size,
        mountOptions: [ecs.TmpfsMountOption.NOSUID, ecs.TmpfsMountOption.NODEV],
      });
    }
    return parameters;
  }

  /**
   * Non-blocking: while CloudWatch Logs does not answer, the default, blocking, would stop the process at its next line,
   * heartbeats included, and running tasks would go to others. Instead, lines beyond the buffer are lost.
   * Source: "Preventing log loss with non-blocking mode in the AWSLogs container log driver", AWS containers blog.
   */
  private logging(container: string): ecs.LogDriver {
    return ecs.LogDrivers.awsLogs({
      logGroup: this.logGroup,
      streamPrefix: container,
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: LOG_BUFFER,
    });
  }

  /** Only tasks of this account and region may take the role on. Source: "Amazon ECS task IAM role". */
  private role(id: string, description: string): iam.Role {
    const { account } = Stack.of(this);
    const tasks = Stack.of(this).formatArn({ service: 'ecs', resource: '*' });
    return new iam.Role(this, id, {
      description,
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': tasks } },
      }),
    });
  }
}

/**
 * What Docker gives and only special programs use. The others stay: images of agents and proxies often start as root to
 * change the owner of a folder and the user, for which they need them. The configuration knows neither user nor file
 * system of a sidecar, so those are the image's.
 */
const UNUSED_CAPABILITIES = [
  ecs.Capability.AUDIT_WRITE,
  ecs.Capability.MKNOD,
  ecs.Capability.NET_RAW,
  ecs.Capability.SETFCAP,
];

/**
 * Where the SSM agent of ECS Exec writes. AWS documents ECS Exec as unsupported with a read-only root file system; that
 * these folders suffice has not been verified on AWS. Where they do not, `readOnlyRootFilesystem: false` is the way out.
 */
const EXEC_FOLDERS = ['/var/lib/amazon', '/var/log/amazon'];
