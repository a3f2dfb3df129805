import { IgnoreStrategy } from 'aws-cdk-lib';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

/** Reads .dockerignore as the CDK does when it computes whether the image has changed. */
const ignored = IgnoreStrategy.docker(root, readFileSync(join(root, '.dockerignore'), 'utf8').split('\n'));

/** Installed and generated folders, which would take long to walk. */
const SKIPPED = new Set([
  'node_modules',
  '.git',
  '.holdfast',
  '.holdfast-docker',
  '.holdfast-tools',
  'cdk.out',
  'coverage',
]);

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesUnder(path);
    return [path];
  });
}

describe('the build context of the image', () => {
  test('holds the sources of the app and what compiles them, nothing else', () => {
    const context = filesUnder('.').filter((file) => !ignored.ignores(join(root, file)));
    const isSource = (file: string) => file.startsWith(join('app', 'src', '/'));
    expect(context.filter((file) => !isSource(file)).sort()).toEqual([
      'app/Dockerfile',
      'app/healthcheck.mjs',
      'app/package.json',
      'app/tsconfig.build.json',
      'package-lock.json',
      'package.json',
      'tsconfig.json',
    ]);
    const sources = filesUnder(join('app', 'src')).filter((file) => !file.endsWith('.md'));
    expect(context.filter(isSource).sort()).toEqual(sources.sort());
  });

  test.each(['.env', '.npmrc', 'app/.env', 'app/src/.env', 'app/src/web/.env.local', 'lib/app-stack.ts', 'README.md'])(
    'leaves out %s',
    (file) => {
      expect(ignored.ignores(join(root, file))).toBe(true);
    },
  );
});
