import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Steps } from '../steps';
import { WAIT } from './operator';
import type { Operator } from './operator';

/** What doctor cannot find well here: the emulator has no Service Quotas. */
const NOT_IN_THE_EMULATOR = ['quotas'];
const DRILLED = 100;
/** A drill accepts a tenth more after the loss. */
const DRILLED_IN_ALL = DRILLED + DRILLED / 10;
/** The queue that probes are on unless they name another. */
const PROBES = 'probes';
/** A key that nobody else writes. */
const BEFORE_THE_DRILL = 'scenario:before-the-drill';
/** In which a worker that takes tasks would have taken one many times over. */
const IDLE_MS = 2_000;

interface Finding {
  readonly check: string;
  readonly state: string;
}

/** What an operator does with `npx holdfast` while all is well, each with what users of the app see of it. */
export class OperationsSteps {
  constructor(private readonly operator: Operator) {}

  /** When it returns, no probe that it has had accepted is open. */
  async run(steps: Steps): Promise<void> {
    await steps.run('npx holdfast doctor finds no trouble that the emulator has not', () => this.examine());
    await steps.run('npx holdfast backup: a snapshot is recorded and listed', () => this.backUp());
    await steps.run('npx holdfast task, retry and resolve: tasks go on as told', () => this.decideOnTasks());
    await steps.run('npx holdfast pause and resume: a probe waits, then runs', () => this.pauseQueue());
    await steps.run('npx holdfast run: output and exit code of one command', () => this.runOnce());
    await steps.run('npx holdfast drill instance passes', () => this.drill('instance'));
    await steps.run('npx holdfast drill failover passes: Redis comes back empty', () => this.failQueueOver());
    await steps.run('npx holdfast drill failover --database passes: it restarts', () => this.failDatabaseOver());
  }

  private async examine(): Promise<void> {
    let wrong: readonly string[] = [];
    await waitUntil(
      'doctor finds the app well',
      async () => {
        const { output } = await this.operator.operations.run('doctor', '--json');
        const { findings } = JSON.parse(output) as { readonly findings: readonly Finding[] };
        assert.ok(findings.length > 20, output);
        wrong = findings.filter(({ state }) => state !== 'ok').map(({ check }) => check);
        return wrong.length <= NOT_IN_THE_EMULATOR.length;
      },
      WAIT,
    ).catch(() => undefined);
    assert.deepEqual(wrong, NOT_IN_THE_EMULATOR);
  }

  private async backUp(): Promise<void> {
    const { snapshot } = JSON.parse(await this.operator.succeed('backup', '--json')) as { readonly snapshot: string };
    assert.match(await this.operator.succeed('backup', '--list'), new RegExp(`^${snapshot} .* hand +available`, 'm'));
  }

  /** A dead task and a cancelled one are tried again, one in question goes on when a person has decided. */
  private async decideOnTasks(): Promise<void> {
    const dead = await this.operator.app.probe({ outcome: 'non-retryable' });
    const parked = await this.operator.app.probe({ outcome: 'external', onUnknown: 'park', failTimes: 1 });
    await this.operator.untilState(parked, 'parked');
    assert.match(await this.operator.succeed('task', parked), /not known: a person decides/);
    assert.match(await this.operator.succeed('resolve', parked, 'sent'), /^Resolved: it goes on/);
    await this.operator.untilState(parked, 'done');

    await this.operator.untilState(dead, 'dead');
    assert.match(await this.operator.succeed('retry'), new RegExp(`^${dead} `, 'm'));
    assert.match(await this.operator.succeed('retry', dead), /^Queued again/);
    await waitUntil(
      'it was tried a second time',
      async () => (await this.operator.task(dead)).attempts.length === 2,
      WAIT,
    );
    await this.operator.untilState(dead, 'dead');
    // Dead for good: nothing is left that would sound.
    await this.operator.app.post('/api/tasks/discard', { name: 'probes.run' });

    const cancelled = await this.operator.app.probe({ delaySeconds: 5, runMs: 10 });
    assert.equal((await this.operator.app.post(`/api/tasks/${cancelled}/cancel`, {})).status, 200);
    await this.operator.untilState(cancelled, 'cancelled');
    assert.match(await this.operator.succeed('retry', cancelled), /^Queued again/);
    await this.operator.untilState(cancelled, 'done');
  }

  private async pauseQueue(): Promise<void> {
    assert.match(await this.operator.succeed('pause', PROBES), /^probes is paused/);
    // It holds from a second later on.
    await sleep(IDLE_MS);
    const waiting = await this.operator.app.probe({});
    await sleep(IDLE_MS);
    assert.equal((await this.operator.task(waiting)).state, 'queued');
    assert.match(await this.operator.succeed('resume', PROBES), /^probes is open: 1 waiting task may start/);
    await this.operator.untilState(waiting, 'done');
  }

  private async runOnce(): Promise<void> {
    const script = 'console.log("run by", process.getuid(), "in", process.cwd()); process.exit(3)';
    const words = ['--process', 'worker-default', '--', 'node', '-e', script];
    const { exitCode, output, errors } = await this.operator.operations.run('run', ...words);
    assert.deepEqual({ exitCode, output }, { exitCode: 3, output: 'run by 1000 in /holdfast/app\n' }, errors);
  }

  private async failQueueOver(): Promise<void> {
    const { stage } = this.operator;
    assert.equal(await stage.askQueue('set', BEFORE_THE_DRILL, '1'), 'OK');
    await this.restarted('queue', () => this.drill('failover'));
    assert.equal(await stage.askQueue('exists', BEFORE_THE_DRILL), '0', 'Redis has what it had before');
  }

  private async failDatabaseOver(): Promise<void> {
    await this.restarted('database', () => this.drill('failover', '--database'));
  }

  /** It and nothing else is restarted by `act`. */
  private async restarted(server: 'database' | 'queue', act: () => Promise<void>): Promise<void> {
    const { stage } = this.operator;
    const other = server === 'queue' ? 'database' : 'queue';
    const [before, ofOther] = [await stage.startedAt(server), await stage.startedAt(other)];
    await act();
    assert.notEqual(await stage.startedAt(server), before, `the ${server} was not restarted`);
    assert.equal(await stage.startedAt(other), ofOther, `the ${other} was restarted, too`);
  }

  /**
   * The emulator tells each container to be on an instance of its own, and has one server behind a primary and what would
   * take over from it, which it restarts.
   */
  private async drill(...words: readonly string[]): Promise<void> {
    const few = ['--probes', String(DRILLED), '--seconds', '3', '--yes'];
    const output = await this.operator.succeed('drill', ...words, ...few);
    assert.match(output, new RegExp(`Passed: ${DRILLED_IN_ALL} of ${DRILLED_IN_ALL} probes done`));
  }
}
