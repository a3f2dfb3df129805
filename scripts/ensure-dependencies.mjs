import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Installs the dependencies when they are missing or are not those of package-lock.json. Runs before anything is
 * installed, so it uses Node.js alone.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readJson(...path) {
  try {
    return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${join(...path)} cannot be read: ${error.message}`, { cause: error });
  }
}

/** One sentence when this Node.js is older than `engines` of package.json asks for. */
function versionTrouble(range, version = process.versions.node) {
  const [wanted, actual] = [range.replace(/^>=/, ''), version].map((text) => text.split('.').map(Number));
  const difference = [0, 1, 2].map((at) => (actual[at] ?? 0) - (wanted[at] ?? 0)).find((each) => each !== 0) ?? 0;
  return difference < 0
    ? `Holdfast needs Node.js ${wanted.join('.')} or later and this is ${version}; install a newer one from https://nodejs.org.`
    : undefined;
}

/**
 * Why the installed packages are not those of the lock file, or undefined when they are. npm writes down what it has
 * installed in node_modules/.package-lock.json, as its last step.
 */
function installTrouble() {
  const installed = readJson('node_modules', '.package-lock.json')?.packages;
  if (installed === undefined) return 'are not installed yet';
  const stale = Object.entries(readJson('package-lock.json').packages).some(([path, { version, link, optional }]) => {
    if (!path.includes('node_modules/') || link) return false;
    return installed[path] ? installed[path].version !== version : !optional;
  });
  return stale ? 'are not those of package-lock.json' : undefined;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const oldNode = versionTrouble(readJson('package.json').engines.node);
if (oldNode) fail(oldNode);

const trouble = installTrouble();
if (trouble) {
  console.log(`The dependencies ${trouble}: running "npm ci" (about half a minute) ...`);
  const npm = process.env.npm_execpath;
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(program, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) fail(`npm could not be started (${error.message}); install npm, run "npm ci" and try again.`);
  if (status !== 0) fail(`"npm ci" failed with exit code ${status}; mend what it says above, then run it again.`);
}
