import { ENVIRONMENT } from '../../app/src/contract';
import { READ_BY } from '../../app/src/configuration/configuration';
import reference from '../../holdfast.config';
import { resourcesOf, synthesize } from './synthesize';
import type { Resource } from './synthesize';

interface Container {
  readonly Name: string;
  readonly Command?: readonly string[];
  readonly Environment?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets?: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
}

/** Variables of the platform's software development kits, which the app does not read itself. */
const FOR_THE_SDK = ['AWS_REGION'];
/** What a process reads and the deployment leaves at its default. */
const LEFT_AT_DEFAULT = [
  'LISTEN_HOST',
  'HEARTBEAT_SECONDS',
  'LEASE_SECONDS',
  'LOG_LEVEL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'LIBRARY_NAME',
  'TIME_ZONE',
  'REMINDER_TIME',
  'SMS_URL',
  'OUTBOX_URL',
  'PROBE_RECEIVER_URL',
  'NEWS_FEEDS',
  'NEWS_SECONDS',
];

function provided(definition: Resource): string[] {
  const [container] = definition.Properties?.ContainerDefinitions as Container[];
  return [...(container?.Environment ?? []), ...(container?.Secrets ?? [])].map(({ Name }) => Name);
}

describe('the container contract', () => {
  const { json } = synthesize('production', { ...reference, mail: { from: 'post@example.org' } });
  const definitions = resourcesOf(json.stateless, 'AWS::ECS::TaskDefinition');
  const definitionOf = (entry: string): Resource => {
    const found = definitions.find(([, { Properties }]) =>
      (Properties?.ContainerDefinitions as Container[])[0]?.Command?.includes(`dist/${entry}.js`),
    );
    if (found === undefined) throw new Error(`no task definition runs dist/${entry}.js`);
    return found[1];
  };

  test.each(['web', 'worker', 'scheduler', 'migrate'] as const)(
    '%s gets every name that it reads, and no other',
    (kind) => {
      const reads = READ_BY[kind].map((variable) => ENVIRONMENT[variable]);
      const names = provided(definitionOf(kind)).filter((name) => !FOR_THE_SDK.includes(name));
      expect(reads.filter((name) => !names.includes(name) && !LEFT_AT_DEFAULT.includes(name))).toEqual([]);
      expect(names.filter((name) => !(reads as string[]).includes(name))).toEqual([]);
    },
  );

  test('every name of the contract is read by some process', () => {
    const read = new Set(
      Object.values(READ_BY).flatMap((variables) => variables.map((variable) => ENVIRONMENT[variable])),
    );
    expect(Object.values(ENVIRONMENT).filter((name) => !read.has(name))).toEqual([]);
  });

  test('secrets never stand in plain environment', () => {
    for (const [, definition] of definitions) {
      for (const { Environment } of definition.Properties?.ContainerDefinitions as Container[]) {
        for (const { Name, Value } of Environment ?? []) {
          expect(Name).not.toMatch(/PASSWORD|TOKEN|SECRET/);
          expect(JSON.stringify(Value)).not.toMatch(/resolve:secretsmanager|:\/\/[^"@]*:[^"@]*@/);
        }
      }
    }
  });
});
