import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { PATHS } from '../../../app/src/contract';
import type { Version } from '../holdfast.config';
import type { RunningDeployment } from '../deployment';
import { Operations } from '../operations';
import type { Steps } from '../steps';
import { AppClient } from './app.client';
import { OperationsSteps } from './operations-steps';
import { Operator } from './operator';
import { SecretsSteps } from './secrets-steps';
import { SessionSteps } from './session-steps';
import { underLoad } from './load';
import type { LoadReport } from './load';
import { Stage } from './stage';

const FILMS = join(dirname(require.resolve('vega-datasets')), '..', 'data', 'movies.json');
const OUTSTANDING = 2_000;
const DRILLED = 5_000;
/** By the names of their containers, with how many of each run. */
const PROCESSES = [
  ['web', 2],
  ['worker-default', 2],
  ['scheduler', 1],
] as const;
const PLAIN = { channels: 3, background: '#a33' } as const;

/** Of a poster, as the app tells of it. */
interface Picture {
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** What a user sees of the deployed app while things go well, break and change. */
export class Scenario {
  private expected = 0;
  private firstImage = '';
  private readonly operator: Operator;

  private constructor(
    private readonly deployment: RunningDeployment,
    private readonly stage: Stage,
    private readonly app: AppClient,
    private readonly steps: Steps,
  ) {
    this.operator = new Operator(new Operations(deployment.aws), stage, app);
  }

  static async run(deployment: RunningDeployment, steps: Steps): Promise<void> {
    const stage = new Stage(deployment.aws);
    await stage.verifySender('example.org');
    const app = new AppClient(deployment.url, await stage.adminToken());
    const scenario = new Scenario(deployment, stage, app, steps);
    await scenario.run();
  }

  private async run(): Promise<void> {
    const { steps } = this;
    await steps.run('healthy and ready', () => this.healthy());
    await steps.run('a film list goes through S3 to a worker, which imports it', () => this.import());
    await steps.run('a poster goes through S3 to a worker, and its pictures are shown', () => this.showPoster());
    await steps.run('a code sent by SES proves an address', () => this.proveAddress());
    const { operator } = this;
    await new OperationsSteps(operator).run(steps);
    await new SessionSteps(operator).run(steps);
    this.expected = (await this.stage.effects()).tasks;
    await steps.run('a worker is killed: every probe has one effect', () => this.killWorker());
    await steps.run(`Redis is emptied with ${OUTSTANDING} probes waiting: as many effects`, () => this.loseQueue());
    await steps.run('npx holdfast status, queues and logs say what is there', () => this.operate());
    await steps.run(`npx holdfast drill queue-loss with ${DRILLED} probes passes`, () => this.drillQueueLoss());
    await new SecretsSteps(operator).run(steps);
    this.expected = (await this.stage.effects()).tasks;
    await steps.run('half of all containers stop with notice: no request fails', () => this.loseInstance('notice'));
    await steps.run('half of all containers are killed: every probe has one effect', () => this.loseInstance('none'));
    await steps.run('a new image rolls out: no request fails', () => this.rollOut());
    await steps.run('npx holdfast rollback: the image before runs, no request fails', () => this.rollBack());
    await steps.run('a broken image: the deploy tells of that and fails, the old one serves', () =>
      this.refuse('broken', /Rolled back by npx holdfast rollback: web, worker-default, scheduler[^]*circuit breaker/),
    );
    await steps.run('npx holdfast rollback --undo: all run what was deployed', () => this.undoRollback());
    await steps.run('a failing migration: the deploy fails, the old one serves', () =>
      this.refuse('failing-migration', /The migration failed with exit code 7/),
    );
  }

  private async healthy(): Promise<void> {
    assert.deepEqual(await this.app.get(PATHS.health), { status: 'up' });
    assert.deepEqual(await this.app.get(PATHS.ready), { postgres: 'up', redis: 'up' });
  }

  private async import(): Promise<void> {
    const answer = await this.app.post('/api/imports', readFileSync(FILMS, 'utf8'));
    assert.equal(answer.status, 202);
    const { taskId } = (await answer.json()) as { readonly taskId: string };
    type Import = { readonly state: string; readonly imported: number };
    const done = await waitUntil(
      'the import is done',
      async () => {
        const found = (await this.app.get(`/api/imports/${taskId}`)) as Import;
        return found.state === 'done' && found;
      },
      { limitSeconds: 60, everyMilliseconds: 200 },
    );
    assert.ok(done.imported > 3_000, `${done.imported} films were imported`);
    const films = (await this.app.get('/api/films')) as { readonly total: number };
    assert.equal(films.total, done.imported);
  }

  private async showPoster(): Promise<void> {
    const id = await this.app.createScreening({ title: 'Metropolis', room: 'Hall', startsAt: '2099-07-14T20:30:00Z' });
    await this.app.uploadPoster(
      id,
      await sharp({ create: { width: 900, height: 1_200, ...PLAIN } })
        .jpeg()
        .toBuffer(),
    );
    const pictures = await waitUntil(
      'the poster is shown',
      async () => {
        const { poster } = (await this.app.get(`/api/screenings/${id}`)) as { readonly poster: readonly Picture[] };
        return poster.length > 0 && poster;
      },
      { limitSeconds: 60, everyMilliseconds: 200 },
    );
    for (const { url, width, height } of pictures) {
      const shown = await this.app.bytes(url);
      const { format, ...size } = await sharp(shown).metadata();
      assert.deepEqual([format, size.width, size.height], ['webp', width, height]);
      const poster = new URLSearchParams(url.split('?')[1]).get('v') ?? '';
      assert.deepEqual(await this.stage.object(`uploads/posters/${poster}/${width}.webp`), shown);
    }
    tell(`pictures of ${pictures.map(({ width, height }) => `${width} x ${height}`).join(', ')}, as they lie in S3`);
  }

  private async proveAddress(): Promise<void> {
    const answer = await this.app.post('/api/contacts', { channel: 'email', address: 'reader@example.org' });
    assert.equal(answer.status, 202);
    const { id } = (await answer.json()) as { readonly id: string };
    const mail = await waitUntil(
      'the mail is sent',
      async () => {
        const mails = await this.stage.mails();
        return mails.includes('reader@example.org') && mails;
      },
      { limitSeconds: 30, everyMilliseconds: 200 },
    );
    const codes = [...new Set(mail.match(/(?<![\d#-])\d{6}(?![\d-])/g) ?? [])];
    const verified = await Promise.all(codes.slice(0, 5).map((code) => this.verify(id, code)));
    assert.ok(verified.includes(200), `none of the numbers ${codes.join(', ')} proves the address`);
  }

  private async verify(id: string, code: string): Promise<number> {
    return (await this.app.post(`/api/contacts/${id}/verify`, { code })).status;
  }

  private async killWorker(): Promise<void> {
    await this.accept(400, 200);
    const [worker = ''] = await this.stage.containers('worker-default');
    await this.stage.kill(worker);
    await this.untilDone(90);
    await this.stage.untilRunning('worker-default', 2, [worker]);
  }

  private async loseQueue(): Promise<void> {
    await this.accept(OUTSTANDING, 20);
    await this.stage.replaceRedis();
    const began = performance.now();
    await this.untilDone(180);
    tell(`${OUTSTANDING} effects ${secondsSince(began)} s after Redis was lost`);
  }

  /** As a person reads it, and as a program does. */
  private async operate(): Promise<void> {
    const { operations } = this.operator;
    const status = await operations.run('status');
    assert.match(status.output, /worker-default/, status.errors);
    const queues = await operations.run('queues', '--json');
    assert.equal(queues.exitCode, 0, queues.errors);
    const answer = JSON.parse(queues.output) as { readonly workers: readonly unknown[] };
    assert.equal(answer.workers.length, 2);
    const logs = await operations.run('logs', 'worker-default', '--since', '1h');
    assert.equal(logs.exitCode, 0, logs.errors);
    assert.match(logs.output, /worker started/);
    console.log(status.output.replaceAll(/^/gm, '       '));
  }

  private async drillQueueLoss(): Promise<void> {
    const words = ['queue-loss', '--probes', String(DRILLED), '--yes'];
    const { exitCode, output, errors } = await this.operator.operations.run('drill', ...words);
    console.log(output.replaceAll(/^/gm, '       '));
    assert.equal(exitCode, 0, errors);
    // The drill accepts a tenth more after the loss.
    this.expected += DRILLED * 1.1;
    await this.untilDone(10);
  }

  /** Half of all containers stand for one of two instances. */
  private async loseInstance(warning: 'notice' | 'none'): Promise<void> {
    const running = await Promise.all(
      PROCESSES.map(async ([name, count]) => ({ name, count, lost: (await this.stage.containers(name))[0] ?? '' })),
    );
    const lost = running.map((process) => process.lost);
    const report = await underLoad(this.app.url, async () => {
      await this.accept(200, 200);
      const began = performance.now();
      await (warning === 'notice' ? this.stage.stopTasks(...lost) : this.stage.kill(...lost));
      await Promise.all(running.map(({ name, count }) => this.stage.untilRunning(name, count, lost)));
      tell(`others run ${secondsSince(began)} s after ${warning === 'notice' ? 'the notice' : 'the kill'}`);
      await this.untilDone(90);
      tell(`200 effects after ${secondsSince(began)} s`);
    });
    if (warning === 'notice') this.expectAnswers(report);
    else tell(`${report.answered} requests answered, ${report.failed.length} not: ${report.failed.join(', ')}`);
    this.expectAnswers(await underLoad(this.app.url, () => pause(2_000)));
  }

  private async rollOut(): Promise<void> {
    const [image] = await this.images();
    this.firstImage = image ?? '';
    const before = (await Promise.all(PROCESSES.map(([name]) => this.stage.containers(name)))).flat();
    const report = await underLoad(this.app.url, async () => {
      await this.accept(200, 200);
      await this.deployment.cdk.deploy({ environment: versionOf('next') });
      await Promise.all(PROCESSES.map(([name, count]) => this.stage.untilRunning(name, count, before)));
    });
    this.expectAnswers(report);
    await this.untilDone(60);
  }

  private async rollBack(): Promise<void> {
    const before = (await Promise.all(PROCESSES.map(([name]) => this.stage.containers(name)))).flat();
    const report = await underLoad(this.app.url, async () => {
      await this.accept(200, 200);
      const told = await this.operator.succeed('rollback', '--yes');
      for (const [name] of PROCESSES) assert.match(told, new RegExp(`^${name} runs what revision \\d+ was`, 'm'));
      await Promise.all(PROCESSES.map(([name, count]) => this.stage.untilRunning(name, count, before)));
    });
    this.expectAnswers(report);
    await this.untilDone(60);
    assert.deepEqual(await this.images(), new Set([this.firstImage]));
    assert.match(await this.operator.succeed('status'), /^web +2 of 2 +\d+, rolled back +complete$/m);
  }

  /** The failed deploy has replaced web alone, whose command it changed. */
  private async undoRollback(): Promise<void> {
    const told = await this.operator.succeed('rollback', '--undo', '--yes');
    assert.match(told, /^worker-default runs revision \d+ again, as deployed\.\nscheduler runs revision \d+ again/);
    const images = await this.images();
    assert.ok(images.size === 1 && !images.has(this.firstImage), [...images].join());
    assert.doesNotMatch(await this.operator.succeed('status'), /rolled back/);
  }

  private async images(): Promise<ReadonlySet<string>> {
    const containers = (await Promise.all(PROCESSES.map(([name]) => this.stage.containers(name)))).flat();
    return new Set(await Promise.all(containers.map((name) => this.stage.image(name))));
  }

  private async refuse(version: 'broken' | 'failing-migration', said: RegExp): Promise<void> {
    const report = await underLoad(this.app.url, async () => {
      const { exitCode, output } = await this.deployment.cdk.tryDeploy({ environment: versionOf(version) });
      assert.notEqual(exitCode, 0, `the deploy of ${version} succeeded`);
      assert.match(output, said);
    });
    this.expectAnswers(report);
    await this.accept(20, 10);
    await this.untilDone(60);
  }

  private async accept(count: number, runMs: number): Promise<void> {
    await this.app.acceptProbes(count, runMs);
    this.expected += count;
  }

  /** Every accepted probe has left one row and no second one. */
  private async untilDone(limitSeconds: number): Promise<void> {
    await waitUntil(
      `${this.expected} probes are done`,
      async () => (await this.stage.effects()).tasks >= this.expected,
      {
        limitSeconds,
        everyMilliseconds: 250,
      },
    );
    assert.deepEqual(await this.stage.effects(), { rows: this.expected, tasks: this.expected });
  }

  private expectAnswers({ answered, askedAgain, failed }: LoadReport): void {
    tell(`${answered} requests answered (${askedAgain} asked again), ${failed.length} not`);
    assert.deepEqual(failed, []);
    assert.ok(answered > 0);
  }
}

function tell(line: string): void {
  console.log(`       ${line}`);
}

const secondsSince = (began: number): string => ((performance.now() - began) / 1000).toFixed(1);

function versionOf(version: Version): Readonly<Record<string, string>> {
  // The first deploy was checked; these differ in the image's tag and in commands.
  return { EMULATED_VERSION: version, CDK_VALIDATION: 'false' };
}
