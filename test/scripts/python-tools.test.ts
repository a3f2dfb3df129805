import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['bash', 'cat', 'dirname', 'flock', 'mkdir'];

describe('python-tools', () => {
  let root: string;
  let programs: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-scripts-'));
    programs = join(root, 'programs');
    mkdirSync(programs);
    mkdirSync(join(root, 'scripts'));
    cpSync(join(__dirname, '../../scripts/python-tools.sh'), join(root, 'scripts/python-tools.sh'));
    for (const program of PROGRAMS) {
      const { stdout } = spawnSync('bash', ['-c', `command -v ${program}`], { encoding: 'utf8' });
      if (stdout !== '') symlinkSync(stdout.trim(), join(programs, program));
    }
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Puts a python3 on the PATH: a shell script that sees its arguments. */
  const givePython = (script: string) =>
    writeFileSync(join(programs, 'python3'), `#!${join(programs, 'bash')}\n${script}\n`, { mode: 0o755 });
  const run = () => {
    const { status, stdout, stderr } = spawnSync(join(programs, 'bash'), [join(root, 'scripts/python-tools.sh')], {
      encoding: 'utf8',
      env: { PATH: programs },
    });
    return { status, stdout, stderr };
  };
  const refuses = (sentence: string) => {
    expect(run()).toEqual({ status: 1, stdout: '', stderr: `${sentence}\n` });
    expect(existsSync(join(root, '.holdfast-tools'))).toBe(false);
  };

  it('says that Python is missing', () => {
    refuses('python3 is not installed; cfn-lint and ministack need Python 3.10 to 3.14.');
  });

  it('says that Python is too old or too new', () => {
    givePython('if [ "$1" = -V ]; then echo Python 3.9.2; else [[ "$2" != *version_info* ]]; fi');
    refuses('python3 is Python 3.9.2; cfn-lint and ministack need Python 3.10 to 3.14.');
  });

  it('says how to get virtual environments', () => {
    givePython('[[ "$2" != *venv* ]]');
    refuses('python3 cannot make virtual environments; install them, on Debian with: apt-get install python3-venv');
  });

  it('installs, writes that down, and does nothing the second time', () => {
    // Its virtual environment holds a Python that accepts every call to pip.
    givePython(
      'if [ "$1" = -m ]; then mkdir -p "$4/bin"; echo "#!$BASH" >"$4/bin/python"; chmod 755 "$4/bin/python"; fi',
    );
    const chmod = spawnSync('bash', ['-c', 'command -v chmod'], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(chmod, join(programs, 'chmod'));
    expect(run()).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Installing cfn-lint==/) as unknown,
    });
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
