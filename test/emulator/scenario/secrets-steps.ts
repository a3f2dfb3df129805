import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StepRunner } from '../steps';
import type { Operator } from './operator';

/** The processes, in any order. */
const ALL = '((web|worker-default|scheduler)(, )?){3}';

/** What an operator does with secrets: each old value is refused afterwards, and the app goes on working. */
export class SecretsSteps {
  constructor(private readonly operator: Operator) {}

  /** When it returns, no probe that it has had accepted is open. Redis must not be restarted afterwards: the emulated one
   * would start with its first token. */
  async run(steps: StepRunner): Promise<void> {
    await steps.run('npx holdfast secrets list and set: the token given is taken', () => this.setToken());
    await steps.run('npx holdfast secrets rotate admin-token: the old one is refused', () => this.rotateToken());
    await steps.run('npx holdfast secrets rotate database: the old password is refused', () => this.rotateDatabase());
    await steps.run('npx holdfast secrets rotate queue: the old token is refused', () => this.rotateQueue());
  }

  private async setToken(): Promise<void> {
    const { app } = this.operator;
    const list = await this.operator.succeed('secrets', 'list');
    for (const name of ['database', 'queue']) assert.match(list, new RegExp(`^${name} .*${ALL}$`, 'm'));
    assert.match(list, /^admin-token .* web$/m);
    const token = randomUUID();
    const told = await this.operator.succeedWith(`${token}\n`, 'secrets', 'set', 'admin-token', '--yes');
    assert.match(told, /^admin-token is set\.\nThe containers of web are replaced/);
    await this.refused();
    app.adminToken = token;
    await this.operator.seeWork();
  }

  private async rotateToken(): Promise<void> {
    const { app, stage } = this.operator;
    await this.rotate('admin-token', /containers of web are replaced/);
    await this.refused();
    app.adminToken = await stage.adminToken();
    await this.operator.seeWork();
  }

  private async rotateDatabase(): Promise<void> {
    const { stage } = this.operator;
    const old = await stage.databasePassword();
    assert.ok(await stage.databaseTakes(old));
    await this.rotate('database', new RegExp(`containers of ${ALL} are replaced`));
    assert.ok(!(await stage.databaseTakes(old)), 'the old password is still taken');
    assert.ok(await stage.databaseTakes(await stage.databasePassword()), 'the new password is not taken');
    await this.operator.seeWork();
  }

  private async rotateQueue(): Promise<void> {
    const { stage } = this.operator;
    const old = await stage.queueToken();
    assert.ok(await stage.queueTakes(old));
    await this.rotate('queue', new RegExp(`containers of ${ALL} are replaced`));
    assert.ok(!(await stage.queueTakes(old)), 'the old token is still taken');
    assert.ok(await stage.queueTakes(await stage.queueToken()), 'the new token is not taken');
    await this.operator.seeWork();
  }

  private async rotate(name: string, replaced: RegExp): Promise<void> {
    assert.match(await this.operator.succeed('secrets', 'rotate', name, '--yes'), replaced);
  }

  /** The token that the app was given before. */
  private async refused(): Promise<void> {
    assert.equal((await this.operator.app.post('/api/probes', { count: 1 })).status, 401);
  }
}
