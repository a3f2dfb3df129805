import type { SecretConfiguration, StageConfiguration } from '../../config';
import { similarTo } from '../../config/similar';
import type { OperationsContext } from '../context';
import { missingError } from '../exit-codes';

/** A secret of a stage, by the name that people give it here. */
export interface StageSecret {
  readonly name: string;
  readonly arn: string;
  /** The field of a secret in JSON. @default - the whole secret */
  readonly field?: string | undefined;
  /** `server`: a server knows it too; `token`: the app alone; `own`: of the configuration's `secrets`. */
  readonly kind: 'server' | 'token' | 'own';
  /** Whose server it is, where that is none of the stage's own. */
  readonly existing?: boolean;
}

/** The stage's secrets: those that its stacks made, and those that the configuration names. */
export async function secretsOf(context: OperationsContext): Promise<StageSecret[]> {
  const configuration = await context.configuration();
  const { database, redis } = configuration;
  const stage = await context.deployed();
  const published = async (concept: string): Promise<string | undefined> => stage.published(concept, 'secret-arn');
  const servers = await Promise.all(
    [
      { name: 'database', field: 'password', existing: 'existing' in database ? database.existing : undefined },
      { name: 'queue', existing: 'existing' in redis ? redis.existing : undefined },
      { name: 'cache', existing: undefined },
    ].map(async ({ name, field, existing }): Promise<StageSecret[]> => {
      const arn = existing?.secretArn ?? (await published(name));
      const theirs = existing !== undefined && 'field' in existing ? existing.field : undefined;
      if (arn === undefined) return [];
      return [{ name, arn, field: field ?? theirs, kind: 'server', existing: existing !== undefined }];
    }),
  );
  const token = await published('admin-token');
  return [
    ...servers.flat(),
    ...(token === undefined ? [] : [{ name: 'admin-token', arn: token, kind: 'token' as const }]),
    ...ownSecrets(configuration),
  ];
}

/** By variable; where processes mean different secrets by the same variable, by process and variable. */
function ownSecrets(configuration: StageConfiguration): StageSecret[] {
  const uses = processesOf(configuration).flatMap(([process, secrets]) =>
    Object.entries(secrets).map(([variable, { arn, field }]) => ({ process, variable, arn, field })),
  );
  const placeOf = ({ arn, field }: { arn: string; field?: string | undefined }): string => `${arn} ${field ?? ''}`;
  const found = new Map<string, StageSecret>();
  for (const use of uses) {
    const places = new Set(uses.filter(({ variable }) => variable === use.variable).map(placeOf));
    const name = places.size === 1 ? use.variable : `${use.process}/${use.variable}`;
    found.set(name, { name, arn: use.arn, field: use.field, kind: 'own' });
  }
  return [...found.values()];
}

function processesOf({
  web,
  workers,
  scheduler,
  migration,
}: StageConfiguration): [string, Readonly<Record<string, SecretConfiguration>>][] {
  const withSidecars = (
    name: string,
    {
      secrets,
      sidecars = {},
    }: Pick<StageConfiguration['web'], 'secrets'> & Partial<Pick<StageConfiguration['web'], 'sidecars'>>,
  ): [string, Readonly<Record<string, SecretConfiguration>>][] => [
    [name, secrets],
    ...Object.entries(sidecars).map(([sidecar, settings]): [string, Readonly<Record<string, SecretConfiguration>>] => [
      `${name}/${sidecar}`,
      settings.secrets,
    ]),
  ];
  return [
    ...withSidecars('web', web),
    ...Object.entries(workers).flatMap(([kind, worker]) => withSidecars(`worker-${kind}`, worker)),
    ...(scheduler === undefined ? [] : withSidecars('scheduler', scheduler)),
    ...(migration === undefined ? [] : withSidecars('migration', migration)),
  ];
}

/** @throws OperationsError that names those that there are. */
export async function secretNamed(context: OperationsContext, name: string): Promise<StageSecret> {
  const secrets = await secretsOf(context);
  const found = secrets.find((secret) => secret.name === name);
  if (found !== undefined) return found;
  const names = secrets.map((secret) => secret.name);
  const meant = similarTo(name, names);
  throw missingError(
    `The secret is "${name}"; allowed is ${names.join(' or ')}${meant === undefined ? '' : `: write ${meant}`}.`,
  );
}
