import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import reference from '../../holdfast.config';
import { synthesize } from './synthesize';
import type { Resource, TemplateJson } from './synthesize';

/** Logical ids whose resource differs, or stands in one template only. */
function changed(before: TemplateJson, after: TemplateJson): string[] {
  const ids = [...new Set([...Object.keys(before.Resources), ...Object.keys(after.Resources)])];
  const text = (resource: Resource | undefined): string => JSON.stringify(resource);
  return ids.filter((id) => text(before.Resources[id]) !== text(after.Resources[id]));
}

describe('what a change of input changes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-image-'));
  const withImage = { ...reference, image: { directory: folder, dockerfile: 'Dockerfile' } };

  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('unchanged input gives the same templates', () => {
    expect(synthesize('production').json).toEqual(synthesize('production').json);
  });

  test('a changed image touches only task definitions and the migration', () => {
    writeFileSync(join(folder, 'program'), 'one');
    const before = synthesize('production', withImage).json;
    writeFileSync(join(folder, 'program'), 'two');
    const after = synthesize('production', withImage).json;

    expect(changed(before.stateful, after.stateful)).toEqual([]);
    const types = changed(before.stateless, after.stateless).map((id) => after.stateless.Resources[id]?.Type);
    expect([...new Set(types)]).toEqual(['AWS::ECS::TaskDefinition']);
    expect(types).toHaveLength(4);
  });

  test('files that are not part of the image change nothing', () => {
    const copy = mkdtempSync(join(tmpdir(), 'holdfast-copy-'));
    try {
      for (const name of ['app', 'package.json', 'package-lock.json', 'tsconfig.json', '.dockerignore']) {
        cpSync(join(__dirname, '..', '..', name), join(copy, name), {
          recursive: true,
          filter: (source) => !source.includes('node_modules'),
        });
      }
      const configuration = { ...reference, image: { directory: copy, dockerfile: 'app/Dockerfile' } };
      const before = synthesize('dev', configuration).json;
      mkdirSync(join(copy, 'lib'));
      writeFileSync(join(copy, 'lib', 'stack.ts'), 'changed');
      writeFileSync(join(copy, 'app', 'test', 'new.test.ts'), 'changed');
      writeFileSync(join(copy, 'README.md'), 'changed');
      const same = synthesize('dev', configuration).json;
      writeFileSync(join(copy, 'app', 'src', 'web.ts'), 'changed');
      const other = synthesize('dev', configuration).json;

      expect(changed(before.stateless, same.stateless)).toEqual([]);
      expect(changed(before.stateless, other.stateless)).not.toEqual([]);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
