/** What the template tells the migration's handlers; a change of any of it runs the migration. */
export interface MigrationProperties {
  readonly Cluster: string;
  readonly TaskDefinition: string;
  readonly CapacityProvider: string;
  /** Name of the container, and with it the prefix of its log streams. */
  readonly Container: string;
  readonly LogGroup: string;
  readonly TimeoutMinutes: string;
  /** Only in network mode awsvpc. */
  readonly Subnets?: readonly string[];
  readonly SecurityGroups?: readonly string[];
}

/** What CloudFormation asks by way of CDK's provider framework. */
export interface MigrationEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly RequestId: string;
  readonly StackId: string;
  readonly ResourceProperties: MigrationProperties;
}

/** What the start of the task tells the question whether it has ended. */
export interface MigrationStart {
  readonly PhysicalResourceId: string;
  /** Without a task there is nothing to wait for. */
  readonly Data?: { readonly TaskArn: string; readonly StartedAt: string };
}

/** The framework hands the answer of the first handler on to the second. */
export type MigrationQuestion = MigrationEvent & MigrationStart;
