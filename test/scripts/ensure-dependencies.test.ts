import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('ensure-dependencies', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-scripts-'));
    mkdirSync(join(root, 'scripts'));
    cpSync(join(__dirname, '../../scripts/ensure-dependencies.mjs'), join(root, 'scripts/ensure-dependencies.mjs'));
    write('package.json', { engines: { node: '>=20.0' } });
    write('package-lock.json', {
      packages: {
        '': { name: 'holdfast' },
        app: { name: '@holdfast/app' },
        'node_modules/@holdfast/app': { resolved: 'app', link: true },
        'node_modules/pg': { version: '8.23.1' },
        'node_modules/elsewhere': { version: '1.0.0', optional: true },
      },
    });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (path: string, content: object) => writeFileSync(join(root, path), JSON.stringify(content));
  const writeInstalled = (version: string) => {
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    write('node_modules/.package-lock.json', { packages: { 'node_modules/pg': { version } } });
  };
  /** Runs it with a stand-in for npm that says what it was asked and ends with `npmStatus`. */
  const run = (npmStatus = 0) => {
    const npm = join(root, 'npm.js');
    writeFileSync(npm, `console.log('npm was asked: ' + process.argv[2]); process.exit(${npmStatus});`);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/ensure-dependencies.mjs'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, npm_execpath: npm },
    });
    return { status, stdout, stderr };
  };

  it('installs what is missing and says so', () => {
    const { status, stdout } = run();
    expect(status).toBe(0);
    expect(stdout).toBe(
      'The dependencies are not installed yet: running "npm ci" (about half a minute) ...\nnpm was asked: ci\n',
    );
  });

  it('installs again when the lock file has moved on', () => {
    writeInstalled('8.22.0');
    expect(run().stdout).toContain('The dependencies are not those of package-lock.json');
  });

  it('does nothing when everything is there', () => {
    writeInstalled('8.23.1');
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('says what to do when npm fails', () => {
    const { status, stderr } = run(7);
    expect(status).toBe(1);
    expect(stderr).toBe('"npm ci" failed with exit code 7; mend what it says above, then run it again.\n');
  });

  it('refuses an older Node.js in one sentence', () => {
    write('package.json', { engines: { node: '>=99.1' } });
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toBe(
      `Holdfast needs Node.js 99.1 or later and this is ${process.versions.node}; install a newer one from https://nodejs.org.\n`,
    );
  });
});
