import { resolveStage } from '../../lib/config';
import { mergeLayers } from '../../lib/config/merge';
import { shop, shopWith } from './shop';

const EXISTING_DATABASE = {
  host: 'db.example.org',
  name: 'app',
  user: 'app',
  secretArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:db-abcdef',
  securityGroupId: 'sg-0123456789abcdef0',
  maxConnections: 200,
};

const resolved = (...changes: object[]) => resolveStage(shopWith(...changes), 'production');
const inStage = (own: object) => ({ stages: { production: own } });

describe('layers', () => {
  test('objects are merged key by key, lists and values replaced, what is undefined does not count', () => {
    const layers = [
      { a: 1, list: [1, 2], deep: { x: 1, y: 1 } },
      undefined,
      { a: undefined, list: [3], deep: { y: 2 } },
    ];
    expect(mergeLayers(layers)).toEqual({ a: 1, list: [3], deep: { x: 1, y: 2 } });
  });

  test('a value hides all below it', () => {
    expect(mergeLayers([{ cache: { nodeType: 'a' } }, { cache: 'shared' }])).toEqual({ cache: 'shared' });
    expect(
      mergeLayers([{ cache: { nodeType: 'a' } }, { cache: 'shared' }, { cache: { engineVersion: '8.2' } }]),
    ).toEqual({
      cache: { engineVersion: '8.2' },
    });
  });

  test('a name of the user is no alternative', () => {
    expect(mergeLayers([{ tags: { domain: 'shop' } }, { tags: { team: 'web' } }])).toEqual({
      tags: { domain: 'shop', team: 'web' },
    });
    expect(mergeLayers([{ workers: { image: { cpuUnits: 1 } } }, { workers: { image: { memoryMiB: 2 } } }])).toEqual({
      workers: { image: { cpuUnits: 1, memoryMiB: 2 } },
    });
  });
});

describe('a stage', () => {
  test('that sets one value keeps the rest', () => {
    expect(resolved(inStage({ redis: { queue: { replicas: 2 } } })).redis).toEqual({
      queue: {
        nodeType: 'cache.t4g.micro',
        engineVersion: '8.2',
        replicas: 2,
        durability: 'default',
        clusterMode: false,
        hashTaggedKeys: false,
        snapshotDays: 3,
      },
      cache: { nodeType: 'cache.t4g.micro', engineVersion: '8.2' },
    });
  });

  test('that names an existing database inherits nothing of the sizes of a new one', () => {
    expect(
      resolved({ database: { storageGiB: 50 } }, inStage({ database: { existing: EXISTING_DATABASE } })).database,
    ).toEqual({ existing: { ...EXISTING_DATABASE, port: 5432 } });
  });

  test('that wants a new database over a common existing one starts from its preset again', () => {
    const { database } = resolved(
      { database: { existing: EXISTING_DATABASE } },
      inStage({ database: { instanceClass: 't4g.large' } }),
    );
    expect(database).toMatchObject({ instanceClass: 't4g.large', multiAz: true, deletionProtection: true });
    expect(database).not.toHaveProperty('existing');
  });

  test('that changes a value of a common existing database keeps the others', () => {
    const { database } = resolved(
      { database: { existing: EXISTING_DATABASE } },
      inStage({ database: { existing: { host: 'other.example.org' } } }),
    );
    expect(database).toEqual({ existing: { ...EXISTING_DATABASE, port: 5432, host: 'other.example.org' } });
  });

  test('that says nothing of a common existing database has it', () => {
    expect(resolved({ database: { existing: EXISTING_DATABASE } }, inStage({ database: {} })).database).toHaveProperty(
      'existing',
    );
  });

  test('that has a domain leaves HTTP behind', () => {
    const domain = { name: 'shop.example.org', hostedZoneId: 'Z0123456789', hostedZoneName: 'example.org' };
    expect(resolved(inStage({ tls: { domain } })).tls).toEqual({ domain });
  });

  test('that pulls an image builds none', () => {
    expect(resolved(inStage({ image: { reference: 'nginx:1.29-alpine' } })).image).toEqual({
      reference: 'nginx:1.29-alpine',
    });
    expect(
      resolved({ image: { reference: 'nginx:1.29-alpine' } }, inStage({ image: { directory: 'app' } })).image,
    ).toEqual({
      directory: 'app',
      dockerfile: 'Dockerfile',
      buildArguments: {},
    });
  });

  test('shares one node where the preset has two, and the other way round', () => {
    expect(resolved(inStage({ redis: { cache: 'shared' } })).redis).toMatchObject({ cache: 'shared' });
    const dev = resolveStage(
      { ...shop, stages: { dev: { region: 'us-east-1', redis: { cache: { nodeType: 'cache.t4g.small' } } } } },
      'dev',
    );
    expect(dev.redis).toMatchObject({ cache: { nodeType: 'cache.t4g.small', engineVersion: '8.2' } });
  });

  test('starts from the preset of its name, from the one it names, else from production', () => {
    const presetOf = (stage: string, own: object = {}) =>
      resolveStage({ ...shop, stages: { [stage]: { region: 'us-east-1', ...own } } }, stage).like;
    expect(presetOf('dev')).toBe('dev');
    expect(presetOf('staging')).toBe('production');
    expect(presetOf('staging', { like: 'dev' })).toBe('dev');
  });

  test('merges worker kinds and gives each the defaults of a worker', () => {
    const { workers } = resolved(
      inStage({ workers: { default: { memoryMiB: 512 }, mail: { queues: [{ name: 'mail' }] } } }),
    );
    expect(workers['default']).toMatchObject({ memoryMiB: 512, cpuUnits: 256, scaling: { min: 1, max: 2 } });
    expect(workers['mail']).toMatchObject({ memoryMiB: 384, concurrency: 10, onDrain: 'finish' });
  });
});
