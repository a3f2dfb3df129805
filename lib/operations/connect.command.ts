import {
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  ListContainerInstancesCommand,
  ListTasksCommand,
} from '@aws-sdk/client-ecs';
import { StartSessionCommand } from '@aws-sdk/client-ssm';
import { createServer } from 'node:net';
import { clusterName } from '../config';
import { execTarget, SessionPlugin } from './aws/session-plugin';
import { textOption } from './command';
import type { CommandResult, Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { missingError, usageError } from './exit-codes';

const DOCUMENT = 'AWS-StartPortForwardingSessionToRemoteHost';
/** Beside the ports of servers that run on this machine itself. */
const LOCAL_PORTS = { db: 15_432, redis: 16_379 } as const;

type Server = keyof typeof LOCAL_PORTS;

export const connect: OperationsCommand = {
  name: 'connect',
  summary: "A tunnel to the database, or to the queue's Redis",
  description:
    "A tunnel from a port of this machine through an instance of the fleet (Systems Manager, no open port) to the database or the queue's Redis, until Ctrl-C. Prints the client's command; the password it leaves in Secrets Manager and says where. Needs AWS's session-manager-plugin on this machine.",
  words: { '<server>': 'db or redis' },
  options: { '--port <port>': `of this machine (default: db ${LOCAL_PORTS.db}, redis ${LOCAL_PORTS.redis})` },
  examples: ['connect db --stage production', 'connect redis --port 7000'],
  notLocal: 'npm start prints the addresses of its servers',
  async run(context, input) {
    const server = serverAsked(input);
    const port = await freePort(input, server);
    if (context.terminal.json) throw usageError('connect is for a terminal and has no --json: leave it out.');
    const plugin = await SessionPlugin.find(context);
    const remote = await remoteOf(context, server);
    return open(context, plugin, { server, port, remote });
  },
};

interface Remote {
  readonly host: string;
  readonly port: string;
  readonly secretArn: string;
  readonly user: string;
  readonly database: string;
  readonly tls: boolean;
}

function serverAsked({ words: [word = ''] }: Input): Server {
  if (word === 'db' || word === 'redis') return word;
  throw usageError(`The server is "${word}"; allowed is db or redis: write connect db.`);
}

async function freePort(input: Input, server: Server): Promise<number> {
  const given = textOption(input, 'port');
  const port = given === undefined ? LOCAL_PORTS[server] : /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (port < 1 || port > 65_535) {
    throw usageError(`--port is "${given ?? ''}"; allowed is a number from 1 to 65535: write --port 15432.`);
  }
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  if (isFree) return port;
  throw usageError(`Port ${port} of this machine is taken: choose another with --port ${port + 1}.`);
}

async function remoteOf(context: OperationsContext, server: Server): Promise<Remote> {
  const { database, redis, stage } = await context.configuration();
  if (server === 'db' && 'existing' in database) {
    const { host, port, user, name, secretArn } = database.existing;
    return { host, port: String(port), user, database: name, secretArn, tls: true };
  }
  if (server === 'redis' && 'existing' in redis) {
    const { host, port, secretArn, tls } = redis.existing;
    return { host, port: String(port), user: '', database: '', secretArn, tls };
  }
  const deployed = await context.deployed();
  const concept = server === 'db' ? 'database' : 'queue';
  const [host, port, secretArn] = await Promise.all(
    ['host', 'port', 'secret-arn'].map((field) => deployed.published(concept, field)),
  );
  if (host === undefined || port === undefined || secretArn === undefined) {
    throw missingError(`The stage ${stage} has published no address of its ${concept}: deploy its stateful stack.`);
  }
  const names = 'existing' in database ? { user: '', name: '' } : database;
  return { host, port, secretArn, user: names.user, database: names.name, tls: true };
}

interface Tunnel {
  readonly server: Server;
  readonly port: number;
  readonly remote: Remote;
}

async function open(
  context: OperationsContext,
  plugin: SessionPlugin,
  { server, port, remote }: Tunnel,
): Promise<CommandResult> {
  const { ssm } = await context.aws();
  const asked = {
    Target: await targetOf(context),
    DocumentName: DOCUMENT,
    Parameters: { host: [remote.host], portNumber: [remote.port], localPortNumber: [String(port)] },
  };
  const session = await context.terminal.during('Opening the tunnel', () =>
    plugin.whenConnected(() => ssm.send(new StartSessionCommand(asked))),
  );
  context.terminal.say(`In another terminal:\n  ${clientCommand(server, port, remote)}`);
  context.terminal.say(
    `The password: aws secretsmanager get-secret-value --secret-id ${remote.secretArn} --query SecretString --output text`,
  );
  context.terminal.say('Ctrl-C closes the tunnel.');
  return { data: {}, view: [], exitCode: await plugin.open(session, asked) };
}

/** The certificate names the server and not this machine: psql checks no name, redis-cli is told it. */
function clientCommand(server: Server, port: number, { host, user, database, tls }: Remote): string {
  if (server === 'db') return `psql "host=127.0.0.1 port=${port} user=${user} dbname=${database} sslmode=require"`;
  return `redis-cli -h 127.0.0.1 -p ${port} --askpass${tls ? ` --tls --sni ${host}` : ''}`;
}

/**
 * What reaches the servers: in network mode bridge the instances, whose security group the containers share; in awsvpc
 * only the containers themselves, through the agent of ECS Exec.
 */
async function targetOf(context: OperationsContext): Promise<string> {
  const { fleet, ...configuration } = await context.configuration();
  const aws = await context.aws();
  const cluster = clusterName(configuration);
  if (fleet.networkMode === 'awsvpc') return containerTarget(context, cluster, fleet.ecsExec);
  const { containerInstanceArns = [] } = await aws.ecs.send(new ListContainerInstancesCommand({ cluster }));
  if (containerInstanceArns.length > 0) {
    const { containerInstances = [] } = await aws.ecs.send(
      new DescribeContainerInstancesCommand({ cluster, containerInstances: containerInstanceArns }),
    );
    const instance = containerInstances.find(({ agentConnected }) => agentConnected) ?? containerInstances[0];
    if (instance?.ec2InstanceId !== undefined) return instance.ec2InstanceId;
  }
  throw missingError(`No instance has joined the cluster ${cluster}, and the tunnel needs one: see doctor.`);
}

async function containerTarget(context: OperationsContext, cluster: string, ecsExec: boolean): Promise<string> {
  if (!ecsExec) {
    throw usageError(
      `In network mode awsvpc only containers reach the servers, and fleet.ecsExec of stage ${context.stage} is false: set it to true and deploy.`,
    );
  }
  const aws = await context.aws();
  const { taskArns: [arn] = [] } = await aws.ecs.send(
    new ListTasksCommand({ cluster, serviceName: 'web', desiredStatus: 'RUNNING' }),
  );
  if (arn === undefined) throw missingError('No container of web runs, and the tunnel needs one: see status.');
  const { tasks: [task] = [] } = await aws.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }));
  const container = task?.containers?.find(({ name }) => name === 'web')?.name ?? 'web';
  return execTarget(aws, { cluster, arn, container });
}
