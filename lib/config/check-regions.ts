import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

/** Amazon ECS reads secrets in its own region only, and RDS restores snapshots there. */
export function regionMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  const { region } = configuration;
  return [...secretsOf(configuration), ...snapshotOf(configuration)]
    .filter(({ arn }) => regionOf(arn) !== region)
    .map(
      ({ at, arn, what }) =>
        `${locate(...at)} is of ${regionOf(arn)}; allowed is a ${what} of the stage's region, ${region}: ${MENDS[what]}.`,
    );
}

const MENDS = {
  secret: 'replicate it there',
  key: 'name the key that the secret has there',
  snapshot: 'copy it there',
} as const;

interface Place {
  readonly at: readonly string[];
  readonly arn: string;
  readonly what: keyof typeof MENDS;
}

function secretsOf({ web, workers, scheduler, migration, database, redis }: StageConfiguration): Place[] {
  type Secret = { readonly kmsKeyArn?: string | undefined };
  type Secrets = Readonly<Record<string, Secret & { readonly arn: string }>>;
  type Sidecars = Readonly<Record<string, { readonly secrets: Secrets }>>;
  const of = (
    at: readonly string[],
    process?: { readonly secrets: Secrets; readonly sidecars?: Sidecars },
  ): Place[] => [
    ...Object.entries(process?.secrets ?? {}).flatMap(([name, { arn, kmsKeyArn }]) => [
      { at: [...at, 'secrets', name, 'arn'], arn, what: 'secret' as const },
      ...(kmsKeyArn === undefined
        ? []
        : [{ at: [...at, 'secrets', name, 'kmsKeyArn'], arn: kmsKeyArn, what: 'key' as const }]),
    ]),
    ...Object.entries(process?.sidecars ?? {}).flatMap(([name, sidecar]) => of([...at, 'sidecars', name], sidecar)),
  ];
  const existing = (key: string, server: object & { readonly existing?: Secret & { readonly secretArn: string } }) => {
    if (server.existing === undefined) return [];
    const { secretArn, kmsKeyArn } = server.existing;
    const places: Place[] = [{ at: [key, 'existing', 'secretArn'], arn: secretArn, what: 'secret' }];
    if (kmsKeyArn !== undefined) places.push({ at: [key, 'existing', 'kmsKeyArn'], arn: kmsKeyArn, what: 'key' });
    return places;
  };
  return [
    ...of(['web'], web),
    ...Object.entries(workers).flatMap(([kind, worker]) => of(['workers', kind], worker)),
    ...of(['scheduler'], scheduler),
    ...of(['migration'], migration),
    ...existing('database', database),
    ...existing('redis', redis),
  ];
}

/** A snapshot by its name is always of the stage's region. */
function snapshotOf({ database }: StageConfiguration): Place[] {
  if (!('fromSnapshot' in database) || database.fromSnapshot?.startsWith('arn:') !== true) return [];
  return [{ at: ['database', 'fromSnapshot'], arn: database.fromSnapshot, what: 'snapshot' }];
}

/** arn:partition:service:region:account:resource */
export function regionOf(arn: string): string {
  return arn.split(':')[3] ?? '';
}
