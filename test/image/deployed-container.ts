import { resourcesOf, synthesize } from '../stages/synthesize';

type Value =
  | string
  | { readonly Ref: string }
  | { readonly 'Fn::GetAtt': readonly [string, string] }
  | { readonly 'Fn::Join': readonly [string, readonly Value[]] };

/** The part of an Amazon ECS container definition that a container here takes over. */
interface ContainerDefinition {
  readonly Name: string;
  readonly Command: readonly string[];
  readonly User: string;
  readonly Memory: number;
  readonly ReadonlyRootFilesystem: boolean;
  readonly Environment: readonly { readonly Name: string; readonly Value: Value }[];
  readonly Secrets: readonly { readonly Name: string }[];
  readonly HealthCheck?: { readonly Command: readonly string[] };
  readonly LinuxParameters: {
    readonly InitProcessEnabled: boolean;
    readonly Capabilities: { readonly Drop: readonly string[] };
    readonly Tmpfs: readonly {
      readonly ContainerPath: string;
      readonly Size: number;
      readonly MountOptions: readonly string[];
    }[];
  };
}

/** What a deployment starts, in the words of the docker client. */
export interface DeployedContainer {
  readonly command: readonly string[];
  /** Limits and rights: user, memory, file system, capabilities, init process. */
  readonly options: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the variables that come from Secrets Manager. */
  readonly secrets: readonly string[];
  /** In exec form; undefined where the load balancer asks instead. */
  readonly healthCheck: readonly string[] | undefined;
}

/** What the deployment knows only when it runs, by a part of the parameter's name. */
const PARAMETERS = {
  databasehost: 'postgres',
  databaseport: '5432',
  queuehost: 'valkey',
  queueport: '6379',
  uploadsbucketname: 'uploads',
};

/** The containers of the reference app in stage dev, by name, as the template of `npx cdk deploy` has them. */
export function deployedContainers(): ReadonlyMap<string, DeployedContainer> {
  const definitions = resourcesOf(synthesize('dev').json.stateless, 'AWS::ECS::TaskDefinition').flatMap(
    ([, { Properties }]) => Properties?.ContainerDefinitions as ContainerDefinition[],
  );
  return new Map(definitions.map((definition) => [definition.Name, deployed(definition)]));
}

function deployed(definition: ContainerDefinition): DeployedContainer {
  const { Command, Environment, Secrets, HealthCheck } = definition;
  return {
    command: Command,
    options: optionsOf(definition),
    environment: Object.fromEntries(Environment.map((variable) => [variable.Name, resolve(variable.Value)])),
    secrets: Secrets.map(({ Name }) => Name),
    // The first word says that no shell is to run the others.
    healthCheck: HealthCheck?.Command.slice(1),
  };
}

function optionsOf({ User, Memory, ReadonlyRootFilesystem, LinuxParameters }: ContainerDefinition): string[] {
  const { InitProcessEnabled, Capabilities, Tmpfs } = LinuxParameters;
  return [
    ...['--user', User, '--memory', `${Memory}m`],
    ...(ReadonlyRootFilesystem ? ['--read-only'] : []),
    ...(InitProcessEnabled ? ['--init'] : []),
    ...Capabilities.Drop.flatMap((capability) => ['--cap-drop', capability]),
    ...Tmpfs.flatMap(({ ContainerPath, Size, MountOptions }) => [
      '--tmpfs',
      `${ContainerPath}:${[`size=${Size}m`, ...MountOptions].join(',')}`,
    ]),
  ];
}

function resolve(value: Value): string {
  if (typeof value === 'string') return value;
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(resolve).join(value['Fn::Join'][0]);
  // The load balancer's name.
  if ('Fn::GetAtt' in value) return 'balancer.example';
  const known = Object.entries(PARAMETERS).find(([part]) => value.Ref.includes(part));
  if (known === undefined) throw new Error(`nothing here stands for ${value.Ref}`);
  return known[1];
}
