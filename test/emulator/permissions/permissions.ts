/** The scenario calls it; other values are the reason why it does not. */
export const CALLED = true as const;

type Permissions = Readonly<Record<string, Readonly<Record<string, typeof CALLED | string>>>>;

const BY_EXEC = 'The agent of ECS Exec, which only runs on real instances.';
const BY_CDK = "The CDK's own grant, of which Amazon ECS needs secretsmanager:GetSecretValue alone.";
const SOMETIMES = 'Only when it must be; a unit test of the handler shows when.';
const BY_INSTANCE = 'Instances are records in the emulator: no agent runs on them.';

const exec = {
  'ssmmessages:CreateControlChannel': BY_EXEC,
  'ssmmessages:CreateDataChannel': BY_EXEC,
  'ssmmessages:OpenControlChannel': BY_EXEC,
  'ssmmessages:OpenDataChannel': BY_EXEC,
};

const objects = {
  's3:GetObject': CALLED,
  's3:PutObject': CALLED,
  's3:DeleteObject': 'What is uploaded twice is deleted at once, by web.',
  's3:AbortMultipartUpload': 'Uploads of more than 5 MB that break off.',
  's3:ListBucket': 'Makes S3 answer 404 for a missing object; the sweeps that list run once an hour.',
};

/** What Amazon ECS does before a container starts. The emulator does it without HTTP, but by these policies. */
const start = {
  'ecr:BatchCheckLayerAvailability': CALLED,
  'ecr:BatchGetImage': CALLED,
  'ecr:GetAuthorizationToken': CALLED,
  'ecr:GetDownloadUrlForLayer': CALLED,
  'logs:CreateLogStream': CALLED,
  'logs:PutLogEvents': CALLED,
  'secretsmanager:DescribeSecret': BY_CDK,
  'secretsmanager:GetSecretValue': CALLED,
};

/** Lambda's own, for the function's log. */
const log = { 'logs:CreateLogStream': CALLED, 'logs:PutLogEvents': CALLED };

const LOOKED_UP = 'The framework asks for the state of a function only when it could not be called.';

/**
 * Everything that the roles of the emulated stage may do, each with whether the scenario does it. The templates may hold
 * no more and no less (permissions.test.ts); that it is called is checked by `npm run test:deploy`.
 */
export const PERMISSIONS: Permissions = {
  WebContainerTaskTaskRole: { ...exec, ...objects },
  WebContainerTaskExecutionRole: start,
  WorkerdefaultContainerTaskTaskRole: {
    ...exec,
    ...objects,
    's3:DeleteObject': CALLED,
    'ecs:DescribeServices': CALLED,
    'ecs:GetTaskProtection': 'For an operator in the container: the worker sets its protection and need not ask.',
    'ecs:UpdateTaskProtection': CALLED,
    'ses:SendEmail': CALLED,
  },
  WorkerdefaultContainerTaskExecutionRole: start,
  SchedulerContainerTaskTaskRole: exec,
  SchedulerContainerTaskExecutionRole: start,
  MigrationTaskExecutionRole: start,
  MigrationOnEventRole: {
    ...log,
    'cloudformation:DescribeStacks': CALLED,
    'ecs:RunTask': CALLED,
    'ecs:TagResource': CALLED,
    'iam:PassRole': CALLED,
  },
  MigrationIsCompleteRole: {
    ...log,
    'ecs:DescribeTasks': CALLED,
    'ecs:StopTask': `A migration past its time limit. ${SOMETIMES}`,
    'logs:GetLogEvents': CALLED,
  },
  MigrationProviderFrameworkOnEventRole: {
    ...log,
    'lambda:GetFunction': LOOKED_UP,
    'lambda:InvokeFunction': CALLED,
    'states:StartExecution': CALLED,
  },
  MigrationProviderFrameworkIsCompleteRole: {
    ...log,
    'lambda:GetFunction': LOOKED_UP,
    'lambda:InvokeFunction': CALLED,
  },
  MigrationProviderwaiterstatemachineRole: {
    'lambda:InvokeFunction': 'The state machine calls the framework; the emulated one does so without its role.',
  },
  FleetScaleInReleaseOnEventRole: {
    ...log,
    'autoscaling:DeleteLifecycleHook': `The hook of Amazon ECS, which the emulator does not make. ${SOMETIMES}`,
    'autoscaling:DescribeAutoScalingGroups': CALLED,
    'autoscaling:DescribeLifecycleHooks': CALLED,
    'autoscaling:SetInstanceProtection': CALLED,
    'autoscaling:UpdateAutoScalingGroup': CALLED,
  },
  FleetScaleInReleaseProviderFrameworkOnEventRole: {
    ...log,
    'lambda:GetFunction': LOOKED_UP,
    'lambda:InvokeFunction': CALLED,
  },
  FleetOnDemandInstanceRole: {
    'ecs:DeregisterContainerInstance': BY_INSTANCE,
    'ecs:DiscoverPollEndpoint': BY_INSTANCE,
    'ecs:Poll': BY_INSTANCE,
    'ecs:RegisterContainerInstance': BY_INSTANCE,
    'ecs:StartTelemetrySession': BY_INSTANCE,
    'ecs:SubmitAttachmentStateChanges': BY_INSTANCE,
    'ecs:SubmitContainerStateChange': BY_INSTANCE,
    'ecs:SubmitTaskStateChange': BY_INSTANCE,
  },
};

/** Roles whose rights stand in no policy of the templates' roles, with where they stand. */
export const OTHERS: Readonly<Record<string, string>> = {
  CustomS3AutoDeleteObjectsCustomResourceProviderRole: "The CDK's own: the policy of the bucket that it empties.",
};
