import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { freePort } from '../../../app/local/servers/free-port';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { StepRunner } from '../steps';
import { WAIT } from './operator';
import type { Operator } from './operator';

const WORKER = 'worker-default';
const WHO = ['--', 'node', '-e', 'console.log("run by", process.getuid(), "in", process.cwd())'];
const SAID = /^run by 1000 in \/holdfast\/app$/m;
/** The certificates name the servers, not the tunnel's end on this machine. */
const TLS = { rejectUnauthorized: false };

/** Terminals and tunnels, through the stand-in of AWS's session-manager-plugin. */
export class SessionSteps {
  constructor(private readonly operator: Operator) {}

  async run(steps: StepRunner): Promise<void> {
    await steps.run('npx holdfast exec and run --tty: a command in a container', () => this.runInContainers());
    await steps.run('npx holdfast connect: a tunnel to database and queue', () => this.connect());
  }

  private async runInContainers(): Promise<void> {
    const { operator } = this;
    assert.match(await operator.succeed('exec', 'web', ...WHO), SAID);
    const before = await operator.stage.containers(WORKER);
    assert.match(await operator.succeed('run', '--tty', '--process', WORKER, ...WHO), SAID);
    const after = async () => (await operator.stage.containers(WORKER)).filter((name) => !before.includes(name));
    await waitUntil('the container of its own is gone', async () => (await after()).length === 0, WAIT);
  }

  private async connect(): Promise<void> {
    const { stage } = this.operator;
    const password = await stage.databasePassword();
    await this.through('db', async (port) => {
      const at = { host: '127.0.0.1', port, user: 'app', database: 'app', password, ssl: TLS };
      const client = new Client({ ...at, connectionTimeoutMillis: 5_000 });
      await client.connect();
      const { rows } = await client.query<{ count: string }>('select count(*) from app.probe_effect');
      await client.end();
      assert.equal(Number(rows[0]?.count), (await stage.effects()).rows);
    });
    const token = await stage.queueToken();
    await this.through('redis', async (port) => {
      const redis = new Redis({ port, password: token, tls: TLS, lazyConnect: true, retryStrategy: null });
      await redis.connect();
      assert.equal(await redis.ping(), 'PONG');
      redis.disconnect();
    });
  }

  /** Uses the server when the tunnel is open, which Ctrl-C then closes. */
  private async through(server: 'db' | 'redis', use: (port: number) => Promise<void>): Promise<void> {
    const port = await freePort();
    const { exitCode, output, errors } = await this.operator.operations.during(
      /^Waiting for connections/m,
      () => use(port),
      ...['connect', server, '--port', String(port)],
    );
    assert.equal(exitCode, 0, output + errors);
    assert.match(errors, new RegExp(`In another terminal:\n  (psql|redis-cli) .*${port}`));
  }
}
