import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What a test starts carries its process's id; CI finds by the second label what was left over. */
const TEST_LABEL = 'holdfast.test';
const CI_LABEL = 'holdfast.ci';

/** Longest output of one command, in bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs the docker client and returns what it printed, without the last line break. Throws what it wrote to stderr. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('docker', args, { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout.trimEnd();
}

/** Everything that a container wrote, both streams. */
export async function logsOf(container: string): Promise<string> {
  const { stdout, stderr } = await execute('docker', ['logs', container], { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout + stderr;
}

export async function inspect(kind: 'image' | 'container', name: string, format: string): Promise<unknown> {
  return JSON.parse(await docker(kind, 'inspect', '--format', `{{json ${format}}}`, name));
}

export interface RunOptions {
  /** Other containers of the network reach it by this name. */
  readonly alias: string;
  readonly image: string;
  readonly options?: readonly string[];
  readonly command?: readonly string[];
}

/** A network of its own with containers and volumes; all of it goes with `remove`. */
export class ContainerGroup {
  private readonly prefix = `holdfast-test-${randomBytes(4).toString('hex')}`;

  async create(): Promise<void> {
    await removeLeftOver();
    await docker('network', 'create', ...labels(), this.prefix);
  }

  /** A folder in memory that containers share while one of them runs, for a user to write to. */
  async createVolume(name: string, user: number): Promise<string> {
    const inMemory = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', `o=uid=${user},gid=${user}`];
    return await docker('volume', 'create', ...labels(), ...inMemory, `${this.prefix}-${name}`);
  }

  /** Starts a container and returns its name. */
  async start({ alias, image, options = [], command = [] }: RunOptions): Promise<string> {
    const name = `${this.prefix}-${alias}`;
    const place = ['--name', name, '--network', this.prefix, '--network-alias', alias];
    await docker('run', '--detach', ...labels(), ...place, ...options, image, ...command);
    return name;
  }

  async remove(): Promise<void> {
    await removeOwn();
  }
}

function ownLabel(): string {
  return `${TEST_LABEL}=${process.pid}`;
}

function labels(): string[] {
  return Object.entries(testLabels()).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
}

/** What every container, network and volume of this process carries. */
export function testLabels(): Record<string, string> {
  const ci = process.env.HOLDFAST_CI_RUN;
  return { [TEST_LABEL]: String(process.pid), ...(ci === undefined ? {} : { [CI_LABEL]: ci }) };
}

/** Containers of this process that run. */
export async function listContainers(): Promise<string[]> {
  return await list('ps', '--filter', `label=${ownLabel()}`, '--format', '{{.Names}}');
}

/** Containers, networks and volumes of this process that are still there. */
export async function listOwn(): Promise<string[]> {
  const filter = `label=${ownLabel()}`;
  return [
    ...(await list('ps', '--all', '--quiet', '--filter', filter)),
    ...(await list('network', 'ls', '--quiet', '--filter', filter)),
    ...(await list('volume', 'ls', '--quiet', '--filter', filter)),
  ];
}

/** Removes everything that carries this process's label. */
export async function removeOwn(): Promise<void> {
  await removeLabelled(`label=${ownLabel()}`);
}

async function list(...args: readonly string[]): Promise<string[]> {
  return (await docker(...args)).split('\n').filter((line) => line !== '');
}

async function removeLabelled(filter: string): Promise<void> {
  const containers = await list('ps', '--all', '--quiet', '--filter', filter);
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  for (const kind of ['network', 'volume']) {
    const found = await list(kind, 'ls', '--quiet', '--filter', filter);
    if (found.length > 0) await docker(kind, 'rm', ...found);
  }
}

/** What tests left behind whose process was killed. */
export async function removeLeftOver(): Promise<void> {
  const label = `{{.Label "${TEST_LABEL}"}}`;
  const owners = [
    ...(await list('ps', '--all', '--filter', `label=${TEST_LABEL}`, '--format', label)),
    ...(await list('network', 'ls', '--filter', `label=${TEST_LABEL}`, '--format', label)),
    ...(await list('volume', 'ls', '--filter', `label=${TEST_LABEL}`, '--format', label)),
  ];
  for (const owner of new Set(owners)) {
    if (!isAlive(Number(owner))) await removeLabelled(`label=${TEST_LABEL}=${owner}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
