import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { MigrationConfiguration } from '../config';
import { grantMail, grantObjects } from './app-permissions';
import { migrationEnvironment } from './container-environment';
import type { EnvironmentProps } from './container-environment';
import type { ContainerFleet } from './container-fleet';
import type { ContainerImages } from './container-images';
import { connect } from './container-service';
import { ContainerTask } from './container-task';
import { CustomResourceFunction, customResourceProvider } from './custom-resource-function';
import type { MigrationProperties } from './migration.event';
import { acknowledgeWildcards } from './nag';

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
 * fails. A rollback runs nothing: migrations have to work with the old version anyway.
 */
export class Migration extends Construct {
  readonly task: ContainerTask;
  /** Complete when the migration has ended well: what starts the new version depends on it. */
  readonly run: CustomResource;

  constructor(scope: Construct, id: string, props: MigrationProps) {
    super(scope, id);
    const { configuration, fleet, images, migration, services } = props;
    const environment = migrationEnvironment(props);
    this.task = new ContainerTask(this, 'Task', {
      configuration,
      services,
      images,
      name: 'migration',
      process: migration,
      environment,
      stopTimeout: STOP_TIMEOUT,
    });
    if (configuration.taskEngine !== 'holdfast') {
      // What its environment names, it may use.
      grantObjects(this.task, services);
      grantMail(this.task, configuration);
    }
    const onEvent = new CustomResourceFunction(this, 'OnEvent', {
      configuration,
      file: 'migration.on-event.lambda.ts',
      // Its clients try for up to two minutes.
      timeout: Duration.minutes(3),
      statements: this.startPermissions(fleet),
    });
    const isComplete = new CustomResourceFunction(this, 'IsComplete', {
      configuration,
      file: 'migration.is-complete.lambda.ts',
      statements: this.watchPermissions(fleet),
    });
    const tasks = this.tasksIn(fleet);
    const reason =
      'Tasks get their ids when they start, definitions their revision; neither is of another family or cluster.';
    acknowledgeWildcards(onEvent.role, [this.revisions, tasks], reason);
    acknowledgeWildcards(isComplete.role, [tasks], reason);
    const provider = customResourceProvider(this, 'Provider', {
      configuration,
      onEvent,
      isComplete: {
        handler: isComplete,
        every: Duration.seconds(10),
        limit: Duration.minutes(migration.timeoutMinutes).plus(GRACE),
      },
    });
    this.run = new CustomResource(this, 'Run', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::Migration',
      properties: this.properties(props),
    });
    this.run.node.addDependency(fleet.ready, ...this.task.roles, onEvent.role, isComplete.role);
    connect(this.task.securityGroup?.connections ?? fleet.cluster.connections, this.run, environment.endpoints);
  }

  private properties({ fleet, migration, services }: MigrationProps): MigrationProperties {
    const { securityGroup } = this.task;
    return {
      Cluster: fleet.cluster.clusterArn,
      TaskDefinition: this.task.taskDefinition.taskDefinitionArn,
      CapacityProvider: fleet.capacityProvider.capacityProviderName,
      Container: this.task.container.containerName,
      LogGroup: this.task.logGroup.logGroupName,
      TimeoutMinutes: String(migration.timeoutMinutes),
      ...(securityGroup === undefined
        ? {}
        : {
            Subnets: services.vpc.selectSubnets(services.instanceSubnets).subnetIds,
            SecurityGroups: [securityGroup.securityGroupId],
          }),
    };
  }

  private tasksIn({ cluster }: ContainerFleet): string {
    return Stack.of(this).formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` });
  }

  /** The family, not the revision: a permission that changed with each deploy might not have spread when it is used. */
  private get revisions(): string {
    const resourceName = `${this.task.taskDefinition.family}:*`;
    return Stack.of(this).formatArn({ service: 'ecs', resource: 'task-definition', resourceName });
  }

  private startPermissions(fleet: ContainerFleet): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [this.revisions],
        conditions: { ArnEquals: { 'ecs:cluster': fleet.cluster.clusterArn } },
      }),
      // The task carries the tags of the stack; Amazon ECS asks for this where tagging has to be permitted.
      new iam.PolicyStatement({
        actions: ['ecs:TagResource'],
        resources: [this.tasksIn(fleet)],
        conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
      }),
      new iam.PolicyStatement({
        actions: ['iam:PassRole'],
        resources: this.task.roles.map(({ roleArn }) => roleArn),
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
      new iam.PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [Stack.of(this).stackId] }),
    ];
  }

  private watchPermissions(fleet: ContainerFleet): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        actions: ['ecs:DescribeTasks', 'ecs:StopTask'],
        resources: [this.tasksIn(fleet)],
        conditions: { ArnEquals: { 'ecs:cluster': fleet.cluster.clusterArn } },
      }),
      new iam.PolicyStatement({ actions: ['logs:GetLogEvents'], resources: [this.task.logGroup.logGroupArn] }),
    ];
  }
}
