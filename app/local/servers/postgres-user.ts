import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Log } from './spawn-server';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root: as root this returns the system user `postgres`, made when it is missing.
 * Undefined when this process is not root and needs nobody else.
 */
export function postgresUser(log: Log): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = lookUp('postgres');
  if (known) return known;
  log('Adding the system user "postgres": PostgreSQL does not run as root.');
  try {
    execFileSync(
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', 'postgres'],
      {
        stdio: 'pipe',
      },
    );
  } catch (error) {
    throw new Error(
      'PostgreSQL does not run as root and the system user "postgres" could not be added; add it, or run as another user.',
      { cause: error },
    );
  }
  const added = lookUp('postgres');
  if (!added) throw new Error('The system user "postgres" was added and is not found; run as a user other than root.');
  return added;
}

function lookUp(name: string): SystemUser | undefined {
  const ask = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { name, uid: ask('-u'), gid: ask('-g') };
  } catch {
    return undefined;
  }
}

/** True when the user may pass through every folder above `path`: a clone below /root (mode 700) is out of reach. */
export function canReach(user: SystemUser, path: string): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & 1) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly user?: SystemUser;
}

/**
 * How to run `program` as `user`. Where a folder above one of `paths` is closed to that user, the program keeps root's
 * right to pass through closed folders and nothing else of root (setpriv of util-linux, part of every Debian).
 */
export function commandAs(
  user: SystemUser | undefined,
  program: string,
  programArguments: readonly string[],
  paths: readonly string[],
): Command {
  if (!user) return { program, arguments: programArguments };
  if (paths.every((path) => canReach(user, path))) return { program, arguments: programArguments, user };
  if (process.platform !== 'linux') {
    throw new Error(
      `The user ${user.name}, as whom PostgreSQL runs, cannot reach ${program}; move the project elsewhere.`,
    );
  }
  const right = '-all,+dac_override';
  return {
    program: 'setpriv',
    arguments: [
      ...[`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'],
      ...[`--inh-caps=${right}`, `--ambient-caps=${right}`],
      // Without it access(2), by which PostgreSQL looks at its own programs, goes by the user alone: capabilities(7).
      '--securebits=+no_setuid_fixup',
      ...['--', program, ...programArguments],
    ],
  };
}
