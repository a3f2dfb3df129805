import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { MigrationConfiguration } from '../config';
import { migrationEnvironment } from './container-environment';
import type { EnvironmentProps } from './container-environment';
import type { ContainerFleet } from './container-fleet';
import type { ContainerImages } from './container-images';
import { connect } from './container-service';
import { ContainerTask } from './container-task';
import { CustomResourceFunction, customResourceProvider } from './custom-resource-function';
import type { MigrationProperties } from './migration.event';

export interface MigrationProps extends EnvironmentProps {
  readonly migration: MigrationConfiguration;
  readonly fleet: ContainerFleet;
  readonly images: ContainerImages;
}

/** Time from SIGTERM until SIGKILL for a migration that took too long; its transaction is rolled back either way. */
const STOP_TIMEOUT = Duration.seconds(30);
/** Beyond the migration's own limit, so that its own words are the error and not CDK's "operation timed out". */
const GRACE = Duration.minutes(5);

/**
 * Runs the migration command once as an ECS task whenever its task definition changes, and fails the deploy when it
 * fails. What starts the new version depends on it. A rollback runs nothing: migrations have to work with the old version
 * anyway.
 */
export class Migration extends Construct {
  readonly task: ContainerTask;
  /** What connects to the database: the instances, or in network mode awsvpc the task itself. */
  private readonly client: ec2.Connections;

  constructor(scope: Construct, id: string, props: MigrationProps) {
    super(scope, id);
    const { configuration, fleet, images, migration, services } = props;
    this.task = new ContainerTask(this, 'Task', {
      configuration,
      images,
      name: 'migration',
      process: migration,
      environment: migrationEnvironment(props),
      stopTimeout: STOP_TIMEOUT,
    });
    const awsvpc = configuration.fleet.networkMode === 'awsvpc';
    this.client = awsvpc
      ? new ec2.Connections({ securityGroups: [this.securityGroup(props)] })
      : fleet.cluster.connections;
    const onEvent = new CustomResourceFunction(this, 'OnEvent', {
      configuration,
      file: 'migration.on-event.lambda.ts',
      statements: this.startPermissions(fleet),
    });
    const isComplete = new CustomResourceFunction(this, 'IsComplete', {
      configuration,
      file: 'migration.is-complete.lambda.ts',
      statements: this.watchPermissions(fleet),
    });
    const provider = customResourceProvider(this, 'Provider', {
      configuration,
      onEvent,
      isComplete: {
        handler: isComplete,
        every: Duration.seconds(10),
        limit: Duration.minutes(migration.timeoutMinutes).plus(GRACE),
      },
    });
    const run = new CustomResource(this, 'Run', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::Migration',
      properties: this.properties(props),
    });
    run.node.addDependency(fleet.ready, ...this.task.roles, onEvent.role, isComplete.role);
    connect(this.client, run, services);
  }

  private properties({ configuration, fleet, migration, services }: MigrationProps): MigrationProperties {
    return {
      Cluster: fleet.cluster.clusterArn,
      TaskDefinition: this.task.taskDefinition.taskDefinitionArn,
      CapacityProvider: fleet.capacityProvider.capacityProviderName,
      Container: this.task.container.containerName,
      LogGroup: this.task.logGroup.logGroupName,
      TimeoutMinutes: String(migration.timeoutMinutes),
      ...(configuration.fleet.networkMode === 'awsvpc'
        ? {
            Subnets: services.vpc.selectSubnets(services.instanceSubnets).subnetIds,
            SecurityGroups: this.client.securityGroups.map(({ securityGroupId }) => securityGroupId),
          }
        : {}),
    };
  }

  private securityGroup({ configuration, services }: MigrationProps): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: services.vpc,
      description: `${configuration.name} ${configuration.stage}: migration`,
    });
  }

  private arn(resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({ service: 'ecs', resource, resourceName });
  }

  private startPermissions({ cluster }: ContainerFleet): iam.PolicyStatement[] {
    return [
      // The family, not the revision: a permission that changed with each deploy might not have spread when it is used.
      new iam.PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [this.arn('task-definition', `${this.task.taskDefinition.family}:*`)],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
      new iam.PolicyStatement({
        actions: ['iam:PassRole'],
        resources: this.task.roles.map(({ roleArn }) => roleArn),
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
      new iam.PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [Stack.of(this).stackId] }),
    ];
  }

  private watchPermissions({ cluster }: ContainerFleet): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ['ecs:DescribeTasks', 'ecs:StopTask'],
        resources: [this.arn('task', `${cluster.clusterName}/*`)],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
      new iam.PolicyStatement({ actions: ['logs:GetLogEvents'], resources: [this.task.logGroup.logGroupArn] }),
    ];
  }
}
