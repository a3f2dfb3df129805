import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

const root = join(__dirname, '..', '..');

interface Import {
  readonly file: string;
  /** The imported file relative to the repository, or the package's name. */
  readonly target: string;
}

/** Every import of the TypeScript files under `folder`. */
function importsOf(folder: string): Import[] {
  return sources(folder).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import|require\()\s*'([^']+)'/g)].map((match) => {
      const name = match[1] ?? '';
      return { file, target: name.startsWith('.') ? normalize(join(dirname(file), name)) : name };
    }),
  );
}

function sources(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /\.tsx?$/.test(file)).map((file) => join(folder, file));
}

function outside(imports: readonly Import[], folder: string): string[] {
  return imports
    .filter(({ target }) => target.startsWith('app') && !target.startsWith(join(folder, sep)) && target !== folder)
    .map(({ file, target }) => `${file} -> ${target}`);
}

describe('import directions', () => {
  test('the task engine imports nothing of the app', () => {
    const imports = importsOf('app/src/tasks');
    expect(imports.length).toBeGreaterThan(50);
    expect(outside(imports, join('app', 'src', 'tasks'))).toEqual([]);
  });

  test('the app uses the task engine only through its entry', () => {
    const inside = importsOf('app/src')
      .filter(({ file }) => !file.startsWith(join('app', 'src', 'tasks', sep)))
      .filter(({ target }) => target.startsWith(join('app', 'src', 'tasks', sep)));
    expect(inside.filter(({ target }) => target !== join('app', 'src', 'tasks', 'index'))).toEqual([]);
  });

  test('the app imports neither the deployment nor its own local run', () => {
    const wrong = importsOf('app/src').filter(({ target }) =>
      /^(lib|bin|test|bench|app\/(local|test))(\/|$)/.test(target),
    );
    expect(wrong).toEqual([]);
  });

  test('only entry points and the configuration read the environment', () => {
    const readers = sources('app/src').filter((file) => readFileSync(join(root, file), 'utf8').includes('process.env'));
    const allowed = /^app\/src\/((web|worker|scheduler|migrate)\.ts|configuration\/)/;
    expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
  });

  test('the stacks are composed in one direction', () => {
    const allowed: Record<string, RegExp> = {
      'lib/config': /^lib\/config\//,
      'lib/observability': /^lib\/(config|observability)(\/|$)/,
      'lib/stateful': /^lib\/(config|stateful)(\/|$)/,
      // Scaling and environment need the metrics' names, nothing else of what watches.
      'lib/stateless': /^lib\/(config|stateless)(\/|$)|^lib\/stateful\/backing-services$|^lib\/observability\/metrics$/,
    };
    const wrong = Object.entries(allowed).flatMap(([folder, pattern]) =>
      importsOf(folder)
        .filter(({ target }) => target.startsWith('lib') && !pattern.test(target))
        .map(({ file, target }) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
    for (const folder of Object.keys(allowed)) expect(importsOf(folder).length).toBeGreaterThan(3);
  });

  test('operations see the configuration and the finished stage, and nothing of the inside of a stack', () => {
    const wrong = importsOf('lib/operations')
      .filter(({ target }) => target.startsWith('lib'))
      .filter(({ target }) => !/^lib\/(operations|config|observability|deployment-(file|stage))(\/|$)/.test(target))
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(wrong).toEqual([]);
  });

  test('only the command itself imports the operations', () => {
    const users = [...importsOf('lib'), ...importsOf('bin'), ...importsOf('app')]
      .filter(({ target }) => target.startsWith(join('lib', 'operations')))
      .filter(({ file }) => !file.startsWith(join('lib', 'operations')))
      .map(({ file }) => file);
    expect(new Set(users)).toEqual(new Set([join('bin', 'holdfast.ts')]));
  });

  test('the deployment imports nothing of the app but the contract', () => {
    const imports = [...importsOf('lib'), ...importsOf('bin')].filter(({ target }) => target.startsWith('app'));
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter(({ target }) => target !== join('app', 'src', 'contract'))).toEqual([]);
  });
});
