import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { StepRunner } from '../steps';
import { underLoad } from './load';
import type { Operator } from './operator';
import { PROCESSES } from './stage';
import { secondsSince, tell } from './tell';
import type { WatchedLoad } from './watched-load';

const OUTSTANDING = 2_000;
const DRILLED = 5_000;

/** What goes away under load: a worker, everything in Redis. */
export class LossSteps {
  constructor(
    private readonly operator: Operator,
    private readonly load: WatchedLoad,
  ) {}

  async run(steps: StepRunner): Promise<void> {
    await steps.run('a worker is killed: every probe has one effect', () => this.killWorker());
    await steps.run(`Redis is emptied with ${OUTSTANDING} probes waiting: as many effects`, () => this.loseQueue());
    await steps.run('npx holdfast status, queues and logs say what is there', () => this.operate());
    await steps.run(`npx holdfast drill queue-loss with ${DRILLED} probes passes`, () => this.drillQueueLoss());
  }

  /** Half of all containers, which stand for one of two instances. */
  async runInstances(steps: StepRunner): Promise<void> {
    await steps.run('half of all containers stop with notice: no request fails', () => this.loseInstance('notice'));
    await steps.run('half of all containers are killed: every probe has one effect', () => this.loseInstance('none'));
  }

  private async killWorker(): Promise<void> {
    await this.load.accept(400, 200);
    const [worker = ''] = await this.operator.stage.containers('worker-default');
    await this.operator.stage.kill(worker);
    await this.load.untilDone(90);
    await this.operator.stage.untilRunning('worker-default', 2, [worker]);
  }

  private async loseQueue(): Promise<void> {
    await this.load.accept(OUTSTANDING, 20);
    await this.operator.stage.replaceRedis();
    const began = performance.now();
    await this.load.untilDone(180);
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
    tell(status.output);
  }

  private async drillQueueLoss(): Promise<void> {
    const words = ['queue-loss', '--probes', String(DRILLED), '--yes'];
    const { exitCode, output, errors } = await this.operator.operations.run('drill', ...words);
    tell(output);
    assert.equal(exitCode, 0, errors);
    // The drill accepts a tenth more after the loss.
    this.load.expect(DRILLED * 1.1);
    await this.load.untilDone(10);
  }

  private async loseInstance(warning: 'notice' | 'none'): Promise<void> {
    const running = await Promise.all(
      PROCESSES.map(async ([name, count]) => ({
        name,
        count,
        lost: (await this.operator.stage.containers(name))[0] ?? '',
      })),
    );
    const lost = running.map((process) => process.lost);
    const lose = async (): Promise<void> => {
      await this.load.accept(200, 200);
      const began = performance.now();
      await (warning === 'notice' ? this.operator.stage.stopTasks(...lost) : this.operator.stage.kill(...lost));
      await Promise.all(running.map(({ name, count }) => this.operator.stage.untilRunning(name, count, lost)));
      tell(`others run ${secondsSince(began)} s after ${warning === 'notice' ? 'the notice' : 'the kill'}`);
      await this.load.untilDone(90);
      tell(`200 effects after ${secondsSince(began)} s`);
    };
    if (warning === 'notice') await this.load.answeredDuring(lose);
    else {
      const { answered, failed } = await underLoad(this.operator.app.url, lose);
      tell(`${answered} requests answered, ${failed.length} not: ${failed.join(', ')}`);
    }
    await this.load.answeredDuring(() => pause(2_000));
  }
}
