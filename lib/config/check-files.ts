import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { everyImage, everyProcess } from './every-process';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

/** Folders of the kernel, with all that is below. */
const KERNEL_FOLDERS: readonly string[] = ['/dev', '/proc', '/sys'];
/** Folders that hold what an image starts with: an empty one in their place leaves nothing to run. */
const IMAGE_FOLDERS: readonly string[] = ['/bin', '/boot', '/etc', '/lib', '/lib32', '/lib64', '/sbin', '/usr'];

/** Folders and files: those that images are built from, and those that processes write to. */
export function checkFiles(
  configuration: StageConfiguration,
  locate: Locate,
): { readonly mistakes: readonly string[] } {
  return { mistakes: [...imageMistakes(configuration, locate), ...folderMistakes(configuration, locate)] };
}

/** The CDK asks for them only when it builds the stage that it deploys, and then with a stack trace. */
function imageMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  return everyImage(configuration).flatMap(({ at, image }) => {
    if ('reference' in image) return [];
    const { directory, dockerfile } = image;
    const where = locate(...at, 'directory');
    if (!isThere(resolve(directory), 'folder')) {
      return [
        `${where} is "${directory}", and there is no folder ${resolve(directory)}; allowed is a folder, relative to the one that npx cdk runs in: correct it.`,
      ];
    }
    if (isThere(resolve(directory, dockerfile), 'file')) return [];
    return [
      `${where.replace(/directory$/, 'dockerfile')} is "${dockerfile}", and there is no file ${resolve(directory, dockerfile)}; allowed is a file, relative to the image's directory: correct it.`,
    ];
  });
}

function isThere(path: string, what: 'file' | 'folder'): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return what === 'file' ? found?.isFile() === true : found?.isDirectory() === true;
}

function folderMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  return everyProcess(configuration).flatMap(({ at, process: { writableFolders } }) =>
    writableFolders.flatMap((folder, index) => {
      const where = locate(...at, 'writableFolders', String(index));
      const refuse = (why: string, mend: string) => [`${where} is "${folder}", ${why}: ${mend}.`];
      if (KERNEL_FOLDERS.some((kernel) => isWithin(folder, kernel))) {
        return refuse('which the kernel fills; allowed is a folder outside of /dev, /proc and /sys', 'name another');
      }
      if (IMAGE_FOLDERS.includes(folder)) {
        return refuse(
          'which would hide what the image has there; allowed are folders below it',
          'name the one that is written to',
        );
      }
      const around = writableFolders.find((other, place) => place !== index && isAround(other, folder, place < index));
      if (around === undefined) return [];
      return around === folder
        ? refuse('which stands there already; allowed is each once', 'remove the second')
        : refuse(`which lies in "${around}"; allowed are folders beside one another`, 'remove it');
    }),
  );
}

/** Of two that are the same, the first is around the second. */
function isAround(other: string, folder: string, isBefore: boolean): boolean {
  return other === folder ? isBefore : isWithin(folder, other);
}

function isWithin(folder: string, around: string): boolean {
  return folder === around || folder.startsWith(`${around}/`);
}
