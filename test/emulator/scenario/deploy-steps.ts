import assert from 'node:assert/strict';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Cdk } from '../cdk';
import type { Version } from '../holdfast.config';
import type { StepRunner } from '../steps';
import { WAIT } from './operator';
import type { Operator } from './operator';
import { PROCESSES } from './stage';
import { STEP_NAMES } from './step-names';
import type { WatchedLoad } from './watched-load';

/** New versions, good and bad, and the way back. */
export class DeploySteps {
  private firstImage = '';

  constructor(
    private readonly cdk: Cdk,
    private readonly operator: Operator,
    private readonly load: WatchedLoad,
  ) {}

  async run(steps: StepRunner): Promise<void> {
    await steps.run('a new image rolls out: no request fails', () => this.rollOut());
    await steps.run('npx holdfast rollback: the image before runs, no request fails', () => this.rollBack());
    await steps.run(STEP_NAMES.brokenImage, () =>
      this.refuse('broken', /Rolled back by npx holdfast rollback: web, worker-default, scheduler[^]*circuit breaker/),
    );
    await steps.run('npx holdfast rollback --undo: all run what was deployed', () => this.undoRollback());
    await steps.run(STEP_NAMES.failingMigration, () => this.failToMigrate());
  }

  private async rollOut(): Promise<void> {
    const [image = ''] = await this.images();
    this.firstImage = image;
    const before = await this.operator.stage.allContainers();
    await this.load.answeredDuring(async () => {
      await this.load.accept(200, 200);
      await this.cdk.deploy({ environment: versionOf('next') });
      await Promise.all(PROCESSES.map(([name, count]) => this.operator.stage.untilRunning(name, count, before)));
    });
    await this.load.untilDone(60);
    await this.untilAllRun('the new image', (image) => image !== this.firstImage);
  }

  private async rollBack(): Promise<void> {
    const before = await this.operator.stage.allContainers();
    await this.load.answeredDuring(async () => {
      await this.load.accept(200, 200);
      const told = await this.operator.succeed('rollback', '--yes');
      for (const [name] of PROCESSES) assert.match(told, new RegExp(`^${name} runs what revision \\d+ was`, 'm'));
      await Promise.all(PROCESSES.map(([name, count]) => this.operator.stage.untilRunning(name, count, before)));
    });
    await this.load.untilDone(60);
    await this.untilAllRun('the first image', (image) => image === this.firstImage);
    assert.match(await this.operator.succeed('status'), /^web +2 of 2 +\d+, rolled back +complete$/m);
  }

  /** On AWS the failed deploy has brought back what was deployed of web, which it changed; the emulator leaves that. */
  private async undoRollback(): Promise<void> {
    const told = await this.operator.succeed('rollback', '--undo', '--yes');
    for (const name of ['worker-default', 'scheduler']) {
      assert.match(told, new RegExp(`^${name} runs revision \\d+ again, as deployed`, 'm'));
    }
    await this.untilAllRun('the new image', (image) => image !== this.firstImage);
    const { exitCode, output } = await this.operator.operations.run('status');
    assert.doesNotMatch(output, /rolled back/);
    // It tells that the last deploy failed.
    assert.match(output, /UPDATE_ROLLBACK_COMPLETE/);
    assert.equal(exitCode, 1);
  }

  /** The version has an image of its own: a process that did not wait for the migration would run it. */
  private async failToMigrate(): Promise<void> {
    const { stage } = this.operator;
    const wanted = PROCESSES.reduce((sum, [, count]) => sum + count, 0);
    await waitUntil(
      'only those containers run that are wanted',
      async () => (await stage.allContainers()).length === wanted,
      WAIT,
    );
    const before = { containers: await stage.allContainers(), images: await this.images() };
    await this.refuse('failing-migration', /The migration failed with exit code 7/);
    assert.deepEqual({ containers: await stage.allContainers(), images: await this.images() }, before);
  }

  /** Containers that are being stopped may still be there. */
  private async untilAllRun(what: string, isRight: (image: string) => boolean): Promise<void> {
    await waitUntil(`all containers run ${what}`, async () => [...(await this.images())].every(isRight), WAIT);
  }

  private async images(): Promise<ReadonlySet<string>> {
    const { stage } = this.operator;
    return await stage.images(...(await stage.allContainers()));
  }

  private async refuse(version: 'broken' | 'failing-migration', said: RegExp): Promise<void> {
    await this.load.answeredDuring(async () => {
      const { exitCode, output } = await this.cdk.tryDeploy({ environment: versionOf(version) });
      assert.notEqual(exitCode, 0, `the deploy of ${version} succeeded`);
      assert.match(output, said);
    });
    await this.load.accept(20, 10);
    await this.load.untilDone(60);
  }
}

function versionOf(version: Version): Readonly<Record<string, string>> {
  // The first deploy was checked; these differ in the image's tag and in commands.
  return { EMULATED_VERSION: version, CDK_VALIDATION: 'false' };
}
