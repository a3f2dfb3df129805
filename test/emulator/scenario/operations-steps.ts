import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { TaskDetails } from '../../../lib/operations/app-api/answers';
import type { Operations } from '../operations';
import type { Steps } from '../steps';
import type { AppClient } from './app.client';
import type { Stage } from './stage';

const WAIT = { limitSeconds: 60, everyMilliseconds: 200 };
/** What doctor cannot find well here: the emulator has no Service Quotas, and instances are records that join nothing. */
const NOT_IN_THE_EMULATOR = ['quotas', 'instances'];
const DRILLED = 100;
/** A drill accepts a tenth more after the loss. */
const DRILLED_IN_ALL = DRILLED + DRILLED / 10;
/** The queue that probes are on unless they name another. */
const PROBES = 'probes';
/** In which a worker that takes tasks would have taken one many times over. */
const IDLE_MS = 2_000;

interface Finding {
  readonly check: string;
  readonly state: string;
}

/** What an operator does with `npx holdfast` while all is well, each with what users of the app see of it. */
export class OperationsSteps {
  constructor(
    private readonly operations: Operations,
    private readonly stage: Stage,
    private readonly app: AppClient,
  ) {}

  /** When it returns, no probe that it has had accepted is open. */
  async run(steps: Steps): Promise<void> {
    await steps.run('npx holdfast doctor finds no trouble that the emulator has not', () => this.examine());
    await steps.run('npx holdfast backup: a snapshot is recorded and listed', () => this.backUp());
    await steps.run('npx holdfast task, retry and resolve: tasks go on as told', () => this.decideOnTasks());
    await steps.run('npx holdfast pause and resume: a probe waits, then runs', () => this.pauseQueue());
    await steps.run('npx holdfast run: output and exit code of one command', () => this.runOnce());
    await steps.run('npx holdfast drill instance passes', () => this.drillInstance());
    await steps.run('npx holdfast secrets rotate admin-token: the old one is refused', () => this.rotateToken());
  }

  private async examine(): Promise<void> {
    let wrong: readonly string[] = [];
    await waitUntil(
      'doctor finds the app well',
      async () => {
        const { output } = await this.operations.run('doctor', '--json');
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
    const { snapshot } = JSON.parse(await this.succeed('backup', '--json')) as { readonly snapshot: string };
    assert.match(await this.succeed('backup', '--list'), new RegExp(`^${snapshot} .* hand +available`, 'm'));
  }

  /** A dead task and a cancelled one are tried again, one in question goes on when a person has decided. */
  private async decideOnTasks(): Promise<void> {
    const dead = await this.app.probe({ outcome: 'non-retryable' });
    const parked = await this.app.probe({ outcome: 'external', onUnknown: 'park', failTimes: 1 });
    await this.untilState(parked, 'parked');
    assert.match(await this.succeed('task', parked), /not known: a person decides/);
    assert.match(await this.succeed('resolve', parked, 'sent'), /^Resolved: it goes on/);
    await this.untilState(parked, 'done');

    await this.untilState(dead, 'dead');
    assert.match(await this.succeed('retry'), new RegExp(`^${dead} `, 'm'));
    assert.match(await this.succeed('retry', dead), /^Queued again/);
    await waitUntil('it was tried a second time', async () => (await this.task(dead)).attempts.length === 2, WAIT);
    await this.untilState(dead, 'dead');
    // Dead for good: nothing is left that would sound.
    await this.app.post('/api/tasks/discard', { name: 'probes.run' });

    const cancelled = await this.app.probe({ delaySeconds: 5, runMs: 10 });
    assert.equal((await this.app.post(`/api/tasks/${cancelled}/cancel`, {})).status, 200);
    await this.untilState(cancelled, 'cancelled');
    assert.match(await this.succeed('retry', cancelled), /^Queued again/);
    await this.untilState(cancelled, 'done');
  }

  private async pauseQueue(): Promise<void> {
    assert.match(await this.succeed('pause', PROBES), /^probes is paused/);
    // It holds from a second later on.
    await sleep(IDLE_MS);
    const waiting = await this.app.probe({});
    await sleep(IDLE_MS);
    assert.equal((await this.task(waiting)).state, 'queued');
    assert.match(await this.succeed('resume', PROBES), /^probes is open: 1 waiting task may start/);
    await this.untilState(waiting, 'done');
  }

  private async runOnce(): Promise<void> {
    const script = 'console.log("run by", process.getuid(), "in", process.cwd()); process.exit(3)';
    const words = ['--process', 'worker-default', '--', 'node', '-e', script];
    const { exitCode, output, errors } = await this.operations.run('run', ...words);
    assert.deepEqual({ exitCode, output }, { exitCode: 3, output: 'run by 1000 in /holdfast/app\n' }, errors);
  }

  /** The emulator has no instances: each container is told to be on one of its own. */
  private async drillInstance(): Promise<void> {
    const output = await this.succeed('drill', 'instance', '--probes', String(DRILLED), '--seconds', '3', '--yes');
    assert.match(output, new RegExp(`Passed: ${DRILLED_IN_ALL} of ${DRILLED_IN_ALL} probes done`));
  }

  private async rotateToken(): Promise<void> {
    const list = await this.succeed('secrets', 'list');
    assert.match(list, /^admin-token .* web$/m);
    const old = this.app.adminToken;
    assert.match(await this.succeed('secrets', 'rotate', 'admin-token', '--yes'), /containers of web are replaced/);
    assert.equal((await this.app.post('/api/probes', { count: 1 })).status, 401);
    this.app.adminToken = await this.stage.adminToken();
    assert.notEqual(this.app.adminToken, old);
    await this.untilState(await this.app.probe({}), 'done');
  }

  /** What a command prints that ends with exit code 0. */
  private async succeed(command: string, ...words: readonly string[]): Promise<string> {
    const { exitCode, output, errors } = await this.operations.run(command, ...words);
    assert.equal(exitCode, 0, `npx holdfast ${[command, ...words].join(' ')}: ${output}${errors}`);
    return output;
  }

  private async task(id: string): Promise<TaskDetails> {
    return (await this.app.get(`/api/tasks/${id}`)) as TaskDetails;
  }

  private async untilState(id: string, state: string): Promise<void> {
    await waitUntil(`${id} is ${state}`, async () => (await this.task(id)).state === state, WAIT);
  }
}
