import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testFolder } from '../../../app/test/servers/private-servers';

const ROOT = join(__dirname, '../../..');

/** One place of app/src that reads otherwise in another build. */
export interface Patch {
  /** From app/src on. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What the app's tests need beside its source. */
export const WITH_TESTS = ['app/src', 'app/test', 'app/local', 'jest.config.js'] as const;

/**
 * A copy of the app's source that differs in these places, for `SystemOptions.build`.
 * @param parts what is copied, by its place in this repository
 * @returns its folder
 * @throws Error when a place is not there exactly once: the source has changed, and the patch means nothing any more.
 */
export function otherBuild(patches: readonly Patch[], parts: readonly string[] = ['app/src']): string {
  const folder = testFolder('build');
  mkdirSync(join(folder, 'app'));
  for (const part of [...parts, 'package.json', 'tsconfig.json', 'app/package.json']) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const modules of ['node_modules', 'app/node_modules']) symlinkSync(join(ROOT, modules), join(folder, modules));
  for (const { file, from, to } of patches) {
    const path = join(folder, 'app/src', file);
    const text = readFileSync(path, 'utf8');
    const times = text.split(from).length - 1;
    if (times !== 1)
      throw new Error(`app/src/${file} has ${JSON.stringify(from)} ${times} times; it must be there once`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return folder;
}
