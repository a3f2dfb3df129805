import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../lib/config';
import { synthesize } from './synthesize';

const FROM_FOLDER: Partial<Configuration> = { image: { directory: 'test/stateless/image' } };

interface Assets {
  readonly dockerImages: Readonly<Record<string, { readonly source: { readonly platform: string } }>>;
}

function platforms(overrides: Partial<Configuration>): string[] {
  const { app } = synthesize(overrides);
  const assets = JSON.parse(readFileSync(join(app.outdir, 'Stateless.assets.json'), 'utf8')) as Assets;
  return Object.values(assets.dockerImages).map(({ source }) => source.platform);
}

describe('an image from a folder', () => {
  test('is built once for all processes, for the architecture of the fleet', () => {
    expect(platforms(FROM_FOLDER)).toEqual(['linux/arm64']);
    expect(platforms({ ...FROM_FOLDER, fleet: { instanceType: 'm7i.large' } })).toEqual(['linux/amd64']);
  });

  test('is built anew for a process that has a folder or argument of its own', () => {
    const image = { directory: 'test/stateless/image', buildArguments: { FLAVOUR: 'scheduler' } };

    expect(platforms({ ...FROM_FOLDER, scheduler: { image } })).toHaveLength(2);
  });

  test('is not built where it comes from a registry', () => {
    expect(platforms({})).toEqual([]);
  });
});
