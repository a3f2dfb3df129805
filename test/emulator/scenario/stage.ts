import assert from 'node:assert/strict';
import { GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { docker } from '../../image/docker';
import { ACCOUNT, REGION } from '../emulated-aws';
import type { EmulatedAws } from '../emulated-aws';

export interface Effects {
  /** Rows that probes have left. */
  readonly rows: number;
  /** Probes that have left them. */
  readonly tasks: number;
}

export interface Message {
  readonly To: readonly string[];
  readonly Body?: string;
}

const ECS = 'AmazonEC2ContainerServiceV20141113';

/** By the names of their containers, with how many of each run. */
export const PROCESSES = [
  ['web', 2],
  ['worker-default', 2],
  ['scheduler', 1],
] as const;

/** What an operator does to the stage: reads a secret, kills containers, empties Redis. */
export class Stage {
  constructor(private readonly aws: EmulatedAws) {}

  async adminToken(): Promise<string> {
    return await this.secret('Bearer token of the administration routes');
  }

  async databasePassword(): Promise<string> {
    const { password } = JSON.parse(await this.secret('User and password of the database')) as {
      readonly password: string;
    };
    return password;
  }

  async queueToken(): Promise<string> {
    return await this.secret('AUTH token of');
  }

  /** The value of the secret whose description begins so. */
  private async secret(description: string): Promise<string> {
    const { SecretList } = (await this.call('secretsmanager.ListSecrets', {})) as {
      readonly SecretList: readonly { readonly ARN: string; readonly Description?: string }[];
    };
    const secret = SecretList.find((each) => each.Description?.startsWith(description));
    if (secret === undefined) throw new Error(`No secret is described as "${description}…".`);
    const value = (await this.call('secretsmanager.GetSecretValue', { SecretId: secret.ARN })) as {
      readonly SecretString: string;
    };
    return value.SecretString;
  }

  /** Lets mail be sent from the domain, which on AWS its owner proves by DNS records. */
  async verifySender(domain: string): Promise<void> {
    await this.request('/v2/email/identities', 'ses', { EmailIdentity: domain });
  }

  /** Everything that was sent by mail, as JSON. */
  async mails(): Promise<string> {
    return await (await fetch(`${this.aws.endpoint}/_ministack/ses/messages`)).text();
  }

  /** The content of an object in the bucket of uploads. */
  async object(key: string): Promise<Buffer> {
    const s3 = new S3Client({ ...this.aws.client, forcePathStyle: true });
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    const bucket = Buckets.find(({ Name }) => Name?.includes('uploads'))?.Name;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  /** Names of running containers of a process: `web`, `worker-default`, `scheduler`. */
  async containers(process: string): Promise<readonly string[]> {
    return await this.list(`label=com.amazonaws.ecs.container-name=${process}`);
  }

  /** Those of all processes. */
  async allContainers(): Promise<readonly string[]> {
    return (await Promise.all(PROCESSES.map(([name]) => this.containers(name)))).flat();
  }

  async kill(...containers: readonly string[]): Promise<void> {
    await docker('kill', ...containers);
  }

  /** Ends tasks as Amazon ECS does for an instance that is going: no new requests, then SIGTERM. */
  async stopTasks(...containers: readonly string[]): Promise<void> {
    const tasks = await this.tasksOf(containers);
    await Promise.all(tasks.map((task) => this.call(`${ECS}.StopTask`, { cluster: clusterOf([task]), task })));
  }

  /** Ends Redis without a chance to save anything, and starts it again empty. */
  async replaceRedis(): Promise<void> {
    const [redis = ''] = await this.list('label=ministack=elasticache');
    await docker('kill', redis);
    await docker('start', redis);
  }

  /** @param without containers that have to be gone. */
  async untilRunning(process: string, count: number, without: readonly string[]): Promise<void> {
    await waitUntil(
      `${count} new containers of ${process} run`,
      async () => {
        const names = await this.containers(process);
        return names.length >= count && !names.some((name) => without.includes(name));
      },
      { limitSeconds: 60, everyMilliseconds: 200 },
    );
  }

  /** Effects of probes, by the database's own word. */
  async effects(): Promise<Effects> {
    const answer = await this.sql('select count(*), count(distinct task_id) from app.probe_effect');
    const [rows = '', tasks = ''] = answer.split('|');
    return { rows: Number(rows), tasks: Number(tasks) };
  }

  private async sql(statement: string): Promise<string> {
    return await this.psql(await this.databasePassword(), statement);
  }

  /** Whether the database's server lets somebody in with it. */
  async databaseTakes(password: string): Promise<boolean> {
    return await this.psql(password, 'select 1').then(
      () => true,
      (error: unknown) => {
        if (String(error).includes('password authentication failed')) return false;
        throw error;
      },
    );
  }

  private async psql(password: string, statement: string): Promise<string> {
    const [database = ''] = await this.list('label=ministack=rds');
    // From its own address the server asks for the password, from 127.0.0.1 it does not.
    const query = 'psql -h "$(hostname -i)" -U app -d app -tAc "$1"';
    return await docker('exec', '--env', `PGPASSWORD=${password}`, database, 'sh', '-c', query, 'sh', statement);
  }

  /** Whether the queue's server lets somebody in with it. */
  async queueTakes(token: string): Promise<boolean> {
    const said = await this.redis(token, 'ping');
    assert.match(said, /^PONG$|WRONGPASS|NOAUTH/m);
    return /^PONG$/m.test(said);
  }

  /** What the queue's server answers to a command. */
  async askQueue(...command: readonly string[]): Promise<string> {
    return await this.redis(await this.queueToken(), ...command);
  }

  private async redis(token: string, ...command: readonly string[]): Promise<string> {
    const [redis = ''] = await this.list('label=ministack=elasticache');
    const client = ['redis-cli', '--tls', '--insecure', '-p', '6379', ...command];
    return await docker('exec', '--env', `REDISCLI_AUTH=${token}`, redis, ...client);
  }

  /** When the container of the server was last started, as the engine writes it. */
  async startedAt(server: 'database' | 'queue'): Promise<string> {
    const [container = ''] = await this.list(`label=ministack=${server === 'database' ? 'rds' : 'elasticache'}`);
    return await docker('inspect', '--format', '{{.State.StartedAt}}', container);
  }

  /** The images that the definitions of these containers' tasks name; the engine itself knows their content alone. */
  async images(...containers: readonly string[]): Promise<ReadonlySet<string>> {
    const tasks = await this.tasksOf(containers);
    const described = (await this.call(`${ECS}.DescribeTasks`, { cluster: clusterOf(tasks), tasks })) as {
      readonly tasks: readonly { readonly taskDefinitionArn: string }[];
    };
    const images = described.tasks.map(async ({ taskDefinitionArn: taskDefinition }) => {
      const answer = (await this.call(`${ECS}.DescribeTaskDefinition`, { taskDefinition })) as {
        readonly taskDefinition: { readonly containerDefinitions: readonly { readonly image: string }[] };
      };
      return answer.taskDefinition.containerDefinitions[0]?.image ?? '';
    });
    return new Set(await Promise.all(images));
  }

  private async tasksOf(containers: readonly string[]): Promise<string[]> {
    const label = '{{index .Config.Labels "com.amazonaws.ecs.task-arn"}}';
    return (await docker('inspect', '--format', label, ...containers)).split('\n');
  }

  private async list(filter: string): Promise<readonly string[]> {
    const network = `network=holdfast-test-${this.aws.port}`;
    const names = await docker('ps', '--filter', filter, '--filter', network, '--format', '{{.Names}}');
    return names.split('\n').filter((name) => name !== '');
  }

  private async call(target: string, body: unknown): Promise<unknown> {
    const service = target.startsWith('secretsmanager') ? 'secretsmanager' : 'ecs';
    return await this.request('/', service, body, target);
  }

  private async request(path: string, service: string, body: unknown, target?: string): Promise<unknown> {
    const scope = `${ACCOUNT}/20260101/${REGION}/${service}/aws4_request`;
    const response = await fetch(`${this.aws.endpoint}${path}`, {
      method: 'POST',
      headers: {
        'content-type': target === undefined ? 'application/json' : 'application/x-amz-json-1.1',
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
        ...(target === undefined ? {} : { 'x-amz-target': target }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${target ?? path} answered ${response.status}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}

/** @param tasks ARNs */
function clusterOf(tasks: readonly string[]): string | undefined {
  return tasks[0]?.split('/').at(-2);
}
