import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../app/local/servers/free-port';
import { signal } from '../../app/local/servers/process-table';
import { spawnServer } from '../../app/local/servers/spawn-server';
import type { SpawnedServer } from '../../app/local/servers/spawn-server';
import { settlesWithin, waitUntil } from '../../app/local/servers/wait-until';
import { docker, listOwn, removeLeftOver, removeOwn, testLabels } from '../image/docker';

const ROOT = join(__dirname, '..', '..');
const PYTHON = join(ROOT, '.holdfast-tools', 'venv', 'bin', 'python');
const PLACEHOLDER = /^PLACEHOLDER (\S+) (\S+)$/;
const CALL = /^CALL (\S+) (\S+) (\S+) (allowed|denied)$/;
const START_SECONDS = 60;

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

/** Credentials that may do everything, as those of the person who deploys. */
const OWNER = { AWS_ACCESS_KEY_ID: ACCOUNT, AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: REGION };

/** What the emulator only records. */
export interface Placeholder {
  readonly type: string;
  readonly logicalId: string;
}

/** What was called with the rights of a role, told once for each action. */
export interface Call {
  /** The role's logical id. */
  readonly role: string;
  /** As policies name it: `s3:GetObject`. */
  readonly action: string;
  /** ARN of the first resource that it was called on, or `*`. */
  readonly resource: string;
  readonly allowed: boolean;
}

/** ministack with the additions in aws/, in a process and a network of its own. */
export class EmulatedAws {
  private constructor(
    readonly port: number,
    private readonly server: SpawnedServer,
    private readonly folder: string,
    readonly placeholders: readonly Placeholder[],
    readonly calls: readonly Call[],
    readonly log: readonly string[],
  ) {}

  /** @throws when Python's tools are not installed, or it does not answer within a minute. */
  static async start(): Promise<EmulatedAws> {
    await removeLeftOver();
    const port = await freePort();
    const network = `holdfast-test-${port}`;
    const labels = Object.entries(testLabels()).map(([name, value]) => `${name}=${value}`);
    await docker('network', 'create', ...labels.flatMap((label) => ['--label', label]), network);
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-emulated-aws-'));
    const placeholders: Placeholder[] = [];
    const calls: Call[] = [];
    const log: string[] = [];
    const server = await spawnServer({
      program: PYTHON,
      arguments: [join(__dirname, 'aws', 'emulator.py')],
      folder,
      environment: {
        ...process.env,
        ...OWNER,
        GATEWAY_PORT: String(port),
        DOCKER_NETWORK: network,
        EMULATOR_LABELS: labels.join(','),
        // Where ministack begins to count, from the same number for everybody on this machine.
        RDS_BASE_PORT: String(await freePort()),
        ELASTICACHE_BASE_PORT: String(await freePort()),
        TMPDIR: folder,
        PYTHONUNBUFFERED: '1',
        PYTHONDONTWRITEBYTECODE: '1',
        // The functions of custom resources find the AWS SDK there.
        NODE_PATH: join(ROOT, 'node_modules'),
      },
      log: (line) => {
        log.push(line);
        const [, type, logicalId] = PLACEHOLDER.exec(line) ?? [];
        if (type !== undefined && logicalId !== undefined) placeholders.push({ type, logicalId });
        const [, role, action, resource, verdict] = CALL.exec(line) ?? [];
        if (role !== undefined && action !== undefined && resource !== undefined) {
          calls.push({ role, action, resource, allowed: verdict === 'allowed' });
        }
      },
    });
    const emulated = new EmulatedAws(port, server, folder, placeholders, calls, log);
    await waitUntil('the emulated AWS answers', () => emulated.answers(), { limitSeconds: START_SECONDS }).catch(
      async (error: unknown) => {
        await emulated.stop();
        throw error;
      },
    );
    return emulated;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What AWS clients read from the environment to reach it with the rights of the account's owner. */
  get environment(): Readonly<Record<string, string>> {
    return { ...OWNER, AWS_ENDPOINT_URL: this.endpoint, AWS_EC2_METADATA_DISABLED: 'true' };
  }

  /** The same for clients that are made in this process. */
  get client() {
    const credentials = { accessKeyId: OWNER.AWS_ACCESS_KEY_ID, secretAccessKey: OWNER.AWS_SECRET_ACCESS_KEY };
    return { endpoint: this.endpoint, region: REGION, credentials };
  }

  private async answers(): Promise<boolean> {
    const ending = this.server.ending();
    if (ending !== undefined) {
      throw new Error(`The emulated AWS ended with ${ending}: ${this.server.lastLines().join('\n')}`);
    }
    return await fetch(this.endpoint).then(
      () => true,
      () => false,
    );
  }

  /** Ends it and removes all it has started. @throws when something of it is still there. */
  async stop(): Promise<void> {
    signal(-this.server.pid, 'SIGTERM');
    if (!(await settlesWithin(this.server.ended, 10))) signal(-this.server.pid, 'SIGKILL');
    await this.server.ended;
    signal(-this.server.pid, 'SIGKILL');
    await removeOwn();
    await this.removeImages();
    rmSync(this.folder, { recursive: true, force: true });
    const left = await listOwn();
    if (left.length > 0) throw new Error(`Left in the container engine: ${left.join(', ')}.`);
  }

  /** The names under which images were pushed; the layers stay for the next build. */
  private async removeImages(): Promise<void> {
    const names = await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `127.0.0.1:${this.port}/*`);
    for (const name of names.split('\n').filter((line) => line !== '' && !line.endsWith('<none>'))) {
      await docker('image', 'rm', name);
    }
  }
}
