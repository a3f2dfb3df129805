import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContainerRun } from '../../app/local/docker/container-run';
import type { ContainerRun } from '../../app/local/docker/container-run';
import type { ComposeCommand } from '../../app/local/docker/find-compose';
import { freePort } from '../../app/local/servers/free-port';
import { ENVIRONMENT } from '../../app/src/contract';
import { docker, inspect, removeLeftOver, removeOwn, testLabels } from './docker';
import { IMAGE } from './image';

const root = join(__dirname, '..', '..');

export const SERVICES = ['nginx', 'web-1', 'web-2', 'worker-1', 'worker-2', 'scheduler'] as const;
export const SERVERS = ['outbox', 'postgres', 'queue', 'cache'] as const;
const ALL = [...SERVICES, ...SERVERS, 'migration', 'owner'];

export interface Effects {
  /** Rows that probes have left. */
  readonly rows: number;
  /** Probes that have left them. */
  readonly tasks: number;
}

/** What `npm run start:docker` starts, under a name of its own, with the image of the tests and their labels. */
export class Containers {
  private constructor(
    readonly run: ContainerRun,
    readonly said: readonly string[],
    readonly baseUrl: string,
    private readonly project: string,
    private readonly folder: string,
  ) {}

  static async create(compose: ComposeCommand, drainSeconds: number): Promise<Containers> {
    await removeLeftOver();
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-containers-'));
    const project = `holdfast-test-${randomBytes(4).toString('hex')}`;
    const labels = { labels: testLabels() };
    const marks = {
      services: Object.fromEntries(ALL.map((name) => [name, labels])),
      networks: { default: labels },
      volumes: Object.fromEntries(['postgres', 'objects', 'outbox'].map((name) => [name, labels])),
    };
    const file = join(folder, 'labels.yaml');
    writeFileSync(file, JSON.stringify(marks));
    const port = await freePort();
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const run = createContainerRun({
      root,
      folder,
      compose,
      project,
      port,
      image: { name: IMAGE, build: 'built' },
      files: [file],
      environment: { ...process.env, [ENVIRONMENT.drainSeconds]: String(drainSeconds), [ENVIRONMENT.adminToken]: '' },
      output: {
        color: false,
        say,
        write: say,
        processLog: () => () => undefined,
        serverLog: () => () => undefined,
        quiet: () => undefined,
      },
    });
    return new Containers(run, said, `http://127.0.0.1:${port}`, project, folder);
  }

  container(service: string): string {
    return `${this.project}-${service}`;
  }

  async state(service: string): Promise<{ Status: string; ExitCode: number; Health?: { Status: string } }> {
    return (await inspect('container', this.container(service), '.State')) as Awaited<ReturnType<Containers['state']>>;
  }

  async isHealthy(service: string): Promise<boolean> {
    const { Status, Health } = await this.state(service);
    return Status === 'running' && Health?.Status === 'healthy';
  }

  async getJson(path: string): Promise<unknown> {
    const response = await fetch(`${this.baseUrl}${path}`);
    // The database may be too busy on a small machine; a gateway's 502 and 504 would be lost requests.
    if (response.status === 503) return undefined;
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return await response.json();
  }

  /** Accepts probes; asked again under the same key while no answer comes, as a careful caller does. */
  async acceptProbes(count: number, runMs: number): Promise<readonly string[]> {
    const key = randomBytes(16).toString('hex');
    for (let tries = 1; ; tries += 1) {
      const answer = await fetch(`${this.baseUrl}/api/probes`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${this.run.adminToken}`,
          'idempotency-key': key,
        },
        body: JSON.stringify({ count, runMs }),
      });
      if (answer.status === 202) return ((await answer.json()) as { taskIds: readonly string[] }).taskIds;
      if (answer.status < 500 || tries === 10) throw new Error(`probes: ${answer.status} ${await answer.text()}`);
    }
  }

  /** Effects of probes in the database, by its own word. */
  async effects(): Promise<Effects> {
    const [rows = '', tasks = ''] = (
      await this.sql('select count(*), count(distinct task_id) from app.probe_effect')
    ).split('|');
    return { rows: Number(rows), tasks: Number(tasks) };
  }

  async runningProbes(): Promise<number> {
    return Number(await this.sql(`select count(*) from holdfast.task where name = 'probes.run' and state = 'running'`));
  }

  private async sql(statement: string): Promise<string> {
    const psql = 'PGPASSWORD=$POSTGRES_PASSWORD exec psql -h 127.0.0.1 -U holdfast -d holdfast -tAc "$0"';
    return await docker('exec', this.container('postgres'), 'sh', '-c', psql, statement);
  }

  async remove(): Promise<void> {
    await this.run.remove('drop-volumes').catch(() => undefined);
    await removeOwn();
    rmSync(this.folder, { recursive: true });
  }
}
