import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../app/local/servers/free-port';
import { signal } from '../../../app/local/servers/process-table';
import { spawnServer } from '../../../app/local/servers/spawn-server';
import type { SpawnedServer } from '../../../app/local/servers/spawn-server';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { testFolder } from '../../../app/test/servers/private-servers';

/** What `npm run start:docker` puts in front of two web containers. */
const CONFIGURATION = join(__dirname, '../../../app/local/docker/nginx.conf');
/** Above worker_shutdown_timeout of the configuration. */
const LIMIT_SECONDS = 10;

/** nginx in front of web processes, where the deployment has a load balancer. Needs nginx on the PATH or in /usr/sbin, and /proc. */
export class Balancer {
  /** @throws Error when there is no nginx. */
  static async start(targets: readonly number[]): Promise<Balancer> {
    const folder = testFolder('balancer');
    const port = await freePort();
    configure(folder, port, targets);
    const server = await spawnServer({
      program: 'nginx',
      // It overwrites its environment: whoever cleans up after the run knows it by its folder.
      folder,
      arguments: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'],
      environment: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` },
      log: () => undefined,
    }).catch((error: unknown) => {
      throw new Error('this row needs nginx (on Debian: apt-get install nginx)', { cause: error });
    });
    const balancer = new Balancer(folder, port, server);
    try {
      await waitUntil('nginx answers', () => answers(port, server), { limitSeconds: LIMIT_SECONDS });
      return balancer;
    } catch (error) {
      await balancer.stop();
      throw error;
    }
  }

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly server: SpawnedServer,
  ) {}

  /** New requests go to these ports only. Resolves when those that were under way have ended where they were. */
  async lead(targets: readonly number[]): Promise<void> {
    const before = this.workers();
    configure(this.folder, this.port, targets);
    signal(this.server.pid, 'SIGHUP');
    await waitUntil(
      'nginx has taken over its new targets',
      () => {
        const now = this.workers();
        return now.length > 0 && !now.some((pid) => before.includes(pid));
      },
      { limitSeconds: LIMIT_SECONDS },
    );
  }

  async stop(): Promise<void> {
    signal(this.server.pid, 'SIGTERM');
    await this.server.ended;
  }

  /** Pids of nginx's workers; one that still serves requests of an earlier configuration is among them. */
  private workers(): string[] {
    const { pid } = this.server;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  }
}

/** @throws Error when it has ended instead. */
async function answers(port: number, server: SpawnedServer): Promise<boolean> {
  const ending = server.ending();
  if (ending !== undefined) throw new Error(`nginx ended with ${ending}: ${server.lastLines().join(' | ')}`);
  return (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok === true;
}

/** As for containers, with addresses in place of the name that all web containers answer to. */
function configure(folder: string, port: number, targets: readonly number[]): void {
  const changes: readonly (readonly [from: string | RegExp, to: string])[] = [
    [/\/tmp\//g, `${folder}/`],
    ['http {', `http {\n  upstream web {\n${targets.map((one) => `    server 127.0.0.1:${one};\n`).join('')}  }`],
    [/ *resolver .*\n/, ''],
    [/ *set \$web .*\n/, ''],
    ['http://$web', 'http://web'],
    ['listen 8080', `listen 127.0.0.1:${port}`],
  ];
  const text = changes.reduce(
    (before, [from, to]) => {
      const after = before.replace(from, () => to);
      if (after === before) throw new Error(`${CONFIGURATION} has nothing like ${String(from)} any more`);
      return after;
    },
    readFileSync(CONFIGURATION, 'utf8'),
  );
  writeFileSync(join(folder, 'nginx.conf'), text);
}
