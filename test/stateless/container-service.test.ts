import { Match, synthesize } from './synthesize';
import type { Resource } from './synthesize';

interface Container {
  readonly Name: string;
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: readonly { readonly Name: string }[];
}

function containerOf(definitions: Readonly<Record<string, Resource>>, name: string): Container {
  const containers = Object.values(definitions).flatMap(
    ({ Properties }) => Properties.ContainerDefinitions as Container[],
  );
  const found = containers.find(({ Name }) => Name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

describe('every service', () => {
  const { template, resources } = synthesize();

  test('keeps all its containers while it is deployed, and goes back when the new ones fail', () => {
    for (const { Properties } of Object.values(resources('AWS::ECS::Service'))) {
      expect(Properties.DeploymentConfiguration).toMatchObject({
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      });
    }
  });

  test('starts after the migration, the policies of its roles and the rules to its servers', () => {
    const [run] = Object.keys(resources('Custom::Migration'));
    for (const [id, { DependsOn }] of Object.entries(resources('AWS::ECS::Service'))) {
      const dependencies = JSON.stringify(DependsOn);
      expect(DependsOn).toContain(run);
      expect(dependencies).toContain(`${id.replace(/Service[0-9A-F]{8}$/, '')}TaskExecutionRoleDefaultPolicy`);
      expect(dependencies).toContain('BackingServicesDatabaseSecurityGroupfrom');
    }
  });

  test('spreads over zones, and only web is moved between them', () => {
    const rebalanced = Object.values(resources('AWS::ECS::Service')).map(({ Properties }) => [
      Properties.ServiceName,
      Properties.AvailabilityZoneRebalancing,
      (Properties.PlacementStrategies as { Type: string }[]).map(({ Type }) => Type),
    ]);

    expect(rebalanced).toEqual([
      ['web', 'ENABLED', ['spread', 'binpack']],
      ['worker-default', 'DISABLED', ['spread', 'binpack']],
      ['scheduler', 'DISABLED', ['spread', 'binpack']],
    ]);
  });

  test('has a log group of a fixed name that goes with the stack', () => {
    for (const name of ['web', 'worker-default', 'scheduler', 'migration']) {
      template.hasResource('AWS::Logs::LogGroup', {
        DeletionPolicy: 'Delete',
        Properties: { LogGroupName: `/library/production/${name}`, RetentionInDays: 90 },
      });
    }
  });
});

describe('every container', () => {
  const { template, resources } = synthesize();

  test('runs as another user, without capabilities, on a file system that it cannot write to but /tmp', () => {
    template.allResourcesProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [
        Match.objectLike({
          User: '1000:1000',
          ReadonlyRootFilesystem: true,
          LinuxParameters: Match.objectLike({
            Capabilities: { Drop: ['ALL'] },
            InitProcessEnabled: true,
            Tmpfs: [Match.objectLike({ ContainerPath: '/tmp' })],
          }),
        }),
      ],
    });
  });

  test('goes on while CloudWatch Logs does not answer', () => {
    template.allResourcesProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [
        Match.objectLike({
          LogConfiguration: { LogDriver: 'awslogs', Options: Match.objectLike({ mode: 'non-blocking' }) },
        }),
      ],
    });
  });

  test('may be entered by ECS Exec where the configuration says so', () => {
    const dev = synthesize({}, 'dev');

    dev.template.allResourcesProperties('AWS::ECS::Service', { EnableExecuteCommand: true });
    expect(JSON.stringify(dev.resources('AWS::ECS::TaskDefinition'))).toContain('/var/lib/amazon');
    template.allResourcesProperties('AWS::ECS::Service', { EnableExecuteCommand: false });
  });

  test('reads the secrets that it is told of, and no others', () => {
    const { Secrets } = containerOf(resources('AWS::ECS::TaskDefinition'), 'migration');

    expect(Secrets.map(({ Name }) => Name)).toEqual(['DATABASE_PASSWORD']);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('MigrationTaskExecutionRole'),
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] }),
          Match.objectLike({ Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'] }),
        ],
      },
    });
  });

  test('has what the configuration adds: variables, secrets, permissions and sidecars', () => {
    const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:stripe-AbCdEf';
    const added = synthesize({
      web: {
        environment: { LOG_LEVEL: 'debug' },
        secrets: { STRIPE_KEY: { arn, field: 'key' } },
        permissions: [{ actions: ['sns:Publish'], resources: ['arn:aws:sns:us-east-1:123456789012:news'] }],
        sidecars: { proxy: { image: { reference: 'envoyproxy/envoy:v1.36' }, port: 9901 } },
      },
    });
    const web = containerOf(added.resources('AWS::ECS::TaskDefinition'), 'web');

    expect(web.Environment).toContainEqual({ Name: 'LOG_LEVEL', Value: 'debug' });
    expect(web.Secrets).toContainEqual({ Name: 'STRIPE_KEY', ValueFrom: `${arn}:key::` });
    expect(containerOf(added.resources('AWS::ECS::TaskDefinition'), 'proxy')).toMatchObject({ Essential: false });
    expect(JSON.stringify(added.resources('AWS::IAM::Policy'))).toContain('sns:Publish');
  });
});

describe('a secret under a key of its own', () => {
  const kmsKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000001';
  const secret = { arn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-AbCdEf', kmsKeyArn };
  const decrypts = (overrides: Parameters<typeof synthesize>[0]) =>
    Object.entries(synthesize(overrides).resources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) =>
      (Properties.PolicyDocument as { Statement: { Action: unknown }[] }).Statement.filter(({ Action }) =>
        JSON.stringify(Action).includes('kms:'),
      ).map((statement) => ({ id: id.replace(/DefaultPolicy.*$/, ''), statement })),
    );
  const statement = {
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: kmsKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-west-1.amazonaws.com' } },
  };

  test('is decrypted for the one process that has it, by way of Secrets Manager only', () => {
    const web = { command: ['node', 'dist/web.js'], secrets: { STRIPE_KEY: secret, STRIPE_HOOK: secret } };

    expect(decrypts({ web })).toEqual([{ id: 'WebContainerTaskExecutionRole', statement }]);
  });

  test('is decrypted for a sidecar and for the migration, too', () => {
    const sidecars = { proxy: { image: { reference: 'envoyproxy/envoy:v1.36' }, secrets: { KEY: secret } } };
    const found = decrypts({
      web: { command: ['node', 'dist/web.js'], sidecars },
      migration: { command: ['node', 'dist/migrate.js'], secrets: { KEY: secret } },
    });

    expect(found).toEqual([
      { id: 'WebContainerTaskExecutionRole', statement },
      { id: 'MigrationTaskExecutionRole', statement },
    ]);
  });

  test('is decrypted for every process that reaches an existing server whose secret it is', () => {
    const existing = {
      host: 'redis.example.org',
      secretArn: secret.arn,
      securityGroupId: 'sg-0123456789abcdef0',
      kmsKeyArn,
    };
    const found = decrypts({ redis: { existing } });

    expect(found).toEqual(
      ['WebContainer', 'WorkerdefaultContainer', 'SchedulerContainer'].map((id) => ({
        id: `${id}TaskExecutionRole`,
        statement,
      })),
    );
  });

  test('asks for no right to a key where there is none', () => {
    expect(decrypts({ web: { command: ['node', 'dist/web.js'], secrets: { KEY: { arn: secret.arn } } } })).toEqual([]);
  });
});

test('folders in memory are together at most half of the memory', () => {
  const sizes = (writableFolders: string[], ecsExec: boolean) => {
    const { resources } = synthesize({
      fleet: { ecsExec },
      web: { command: ['node', 'dist/web.js'], memoryMiB: 256, writableFolders },
    });
    const web = containerOf(resources('AWS::ECS::TaskDefinition'), 'web') as unknown as {
      LinuxParameters: { Tmpfs: { Size: number }[] };
    };
    return web.LinuxParameters.Tmpfs.map(({ Size }) => Size);
  };
  expect(sizes(['/tmp'], false)).toEqual([64]);
  expect(sizes(['/tmp', '/cache'], false)).toEqual([64, 64]);
  expect(sizes(['/tmp', '/cache'], true)).toEqual([32, 32, 32, 32]);
});

describe('a sidecar', () => {
  const proxy = { image: { reference: 'envoyproxy/envoy:v1.36' }, port: 9901 };
  const { resources } = synthesize({
    workers: {
      default: {
        command: ['node', 'dist/worker.js'],
        queues: [{ name: 'default' }],
        sidecars: { proxy, agent: proxy },
      },
    },
  });
  const definitions = resources('AWS::ECS::TaskDefinition');

  test('starts before its process and, as Amazon ECS goes back the same way, is stopped after it', () => {
    expect(containerOf(definitions, 'worker-default')).toMatchObject({
      DependsOn: [
        { ContainerName: 'proxy', Condition: 'START' },
        { ContainerName: 'agent', Condition: 'START' },
      ],
    });
    expect(containerOf(definitions, 'proxy')).not.toHaveProperty('DependsOn');
  });

  test('is reached by its name, in network mode bridge by a link that follows the order of the start', () => {
    const main = containerOf(definitions, 'worker-default') as unknown as { Links?: string[] };
    expect(main.Links).toEqual(['proxy', 'agent']);
  });

  test('is not linked without a port, because it may end, nor in awsvpc, where the loopback is shared', () => {
    const links = (fleet: object, sidecar: object) => {
      const { resources: others } = synthesize({
        fleet,
        network: { natGateways: 1 },
        web: { command: ['node', 'dist/web.js'], sidecars: { sidecar } },
      });
      return (containerOf(others('AWS::ECS::TaskDefinition'), 'web') as unknown as { Links?: string[] }).Links;
    };
    expect(links({}, { image: proxy.image })).toBeUndefined();
    expect(links({ networkMode: 'awsvpc', max: 20 }, proxy)).toBeUndefined();
  });

  test('has as long to stop as its process', () => {
    const stop = containerOf(definitions, 'worker-default') as unknown as { StopTimeout: number };

    expect(stop.StopTimeout).toBe(80);
    expect(containerOf(definitions, 'proxy')).toMatchObject({ StopTimeout: stop.StopTimeout });
  });

  test('has no privileges, nor the capabilities that no agent and no proxy needs', () => {
    expect(containerOf(definitions, 'proxy')).toMatchObject({
      Privileged: false,
      LinuxParameters: { Capabilities: { Drop: ['AUDIT_WRITE', 'MKNOD', 'NET_RAW', 'SETFCAP'] } },
    });
  });
});

describe('a worker', () => {
  test('knows its kind, its queues with their weights and how long it may drain', () => {
    const { Environment } = containerOf(synthesize().resources('AWS::ECS::TaskDefinition'), 'worker-default');

    expect(Environment).toEqual(
      expect.arrayContaining([
        { Name: 'WORKER_KIND', Value: 'default' },
        { Name: 'WORKER_QUEUES', Value: 'default:2,imports:1' },
        { Name: 'DRAIN_SECONDS', Value: '70' },
        { Name: 'DATABASE_POOL_SIZE', Value: '4' },
        { Name: 'SCALE_IN_PROTECTION', Value: 'on' },
      ]),
    );
  });

  test('may protect tasks of its own cluster and look at its own service', () => {
    synthesize().template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('Workerdefault.*TaskRole'),
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'] }),
          Match.objectLike({
            Action: 'ecs:DescribeServices',
            Resource: { 'Fn::Join': ['', Match.arrayWith(['/worker-default'])] },
          }),
        ]),
      },
    });
  });

  test('may send mail from the address of the configuration only', () => {
    const mail = synthesize({ mail: { from: 'Library <post@example.org>' } });

    mail.template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('Workerdefault.*TaskRole'),
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'ses:SendEmail',
            Condition: { StringEquals: { 'ses:FromAddress': 'post@example.org' } },
          }),
        ]),
      },
    });
  });
});

describe('the scheduler', () => {
  test('is one, and a deploy starts the new one first', () => {
    synthesize().template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName: 'scheduler',
      DesiredCount: 1,
      DeploymentConfiguration: { MinimumHealthyPercent: 100, MaximumPercent: 200 },
    });
  });

  test('is never two with Celery, whose beats would send every task twice', () => {
    synthesize({ taskEngine: 'celery' }).template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName: 'scheduler',
      DesiredCount: 1,
      DeploymentConfiguration: { MinimumHealthyPercent: 0, MaximumPercent: 100 },
    });
  });

  test('knows all kinds of workers and where its metrics go', () => {
    const { Environment } = containerOf(synthesize().resources('AWS::ECS::TaskDefinition'), 'scheduler');

    expect(Environment).toContainEqual({ Name: 'WORKER_KINDS', Value: 'default=default,imports' });
    expect(Environment).toContainEqual({ Name: 'METRICS_NAMESPACE', Value: 'Holdfast/library-production' });
  });
});

describe('another task engine', () => {
  const { resources } = synthesize({ taskEngine: 'celery', celery: { visibilityTimeoutSeconds: 1_800 } });

  test.each(['web', 'worker-default', 'scheduler', 'migration'])(
    '%s gets addresses and Celery its time-out',
    (name) => {
      const container = containerOf(resources('AWS::ECS::TaskDefinition'), name);
      const names = [...container.Environment, ...container.Secrets].map(({ Name }) => Name);

      expect(names).toEqual(
        expect.arrayContaining([
          'DATABASE_URL',
          'QUEUE_REDIS_URL',
          'CACHE_REDIS_URL',
          'OBJECTS_URL',
          'DATABASE_PASSWORD',
        ]),
      );
      expect(container.Environment).toContainEqual({ Name: 'CELERY_VISIBILITY_TIMEOUT_SECONDS', Value: '1800' });
      expect(names).not.toContain('DATABASE_POOL_SIZE');
    },
  );
});
