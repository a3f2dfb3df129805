import { isDeepStrictEqual } from 'node:util';
import { waitUntil } from '../../local/servers/wait-until';
import { holdCommits } from './hold-commits';
import { holdEffects } from './hold-effects';
import { injectUnderLoad } from './inject';
import { answersByStatus } from './journal';
import type { TaskAndEffect } from './ledger-view';
import { POOL_SIZE, System } from './system';

/** The engine's default lease, after which a silent worker's tasks go to others. */
const LEASE_SECONDS = 15;
const GRACE_SECONDS = 5;
/** Three rounds for the 40 slots of both workers, each long enough to be seen running a second time. */
const CONTESTED = { count: 120, runMs: 150, priority: 'high' } as const;
/** Of the 20 that a worker runs at once. */
const LEAST_CONTESTED = 16;
/** More than one worker has connections for, so that both of them are in the middle of some. */
const LEAST_HELD = POOL_SIZE + 5;
/** What a worker logs with the id of a task that it could not complete. */
const TOO_LATE = 'attempt ended too late';

jest.setTimeout(120_000);

describe('a process dies or freezes under load', () => {
  let system: System;

  beforeAll(async () => {
    system = await System.start();
  });

  afterEach(() => system.heal());

  afterAll(() => system.stop());

  it('hands the tasks of a killed worker to others within lease + 5 s, each with one effect', () =>
    system.log.shownOnFailure(async () => {
      const [victim] = system.workers;
      const lost = await system.registrationOf(victim);
      const { load, atMs } = await injectUnderLoad(system, () => victim.kill());
      const tasks = await leftRunning(lost);
      expect(tasks.length).toBeGreaterThan(0);

      const redone = await doneElsewhere(tasks, lost);
      await victim.start();
      await load.stop();
      expect(await system.verdict()).toEqual([]);

      const lastEffectMs = Math.max(...redone.flatMap(({ effects }) => effects.map((effect) => effect.atMs)));
      const seconds = (lastEffectMs - atMs) / 1000;
      system.log.report(`${tasks.length} ran on the killed worker; the last was done ${seconds.toFixed(1)} s later`);
      expect(seconds).toBeLessThanOrEqual(LEASE_SECONDS + GRACE_SECONDS);
      expectOnlyAccepted(atMs);
    }));

  it('lets a worker that was frozen past its lease change nothing when it wakes', () =>
    system.log.shownOnFailure(async () => {
      const [victim, heir] = system.workers;
      const [lost, successor] = await Promise.all([system.registrationOf(victim), system.registrationOf(heir)]);
      const { load, atMs } = await injectUnderLoad(system, async (loading) => {
        const { taskIds } = await loading.post(CONTESTED);
        await waitUntil(
          'the worker runs little else',
          async () => (await runningAmong(taskIds, lost)).length >= LEAST_CONTESTED,
          { limitSeconds: 5, everyMilliseconds: 5 },
        );
        // Its completions have begun, so that the first thing it does when it wakes is to go on with them.
        const effects = await holdEffects(system.ledger);
        try {
          await effects.held(LEAST_HELD);
          await victim.freeze();
        } finally {
          await effects.release();
        }
      });
      const left = await leftRunning(lost);

      // Stopped in the middle of them as well, so that the late completions meet tasks that run a second time.
      const contested = await freezeWhileRunning(heir, left, successor);
      const before = await system.ledger.tasks(contested);
      victim.thaw();
      await waitUntil(
        'the woken worker has tried to complete tasks that run elsewhere',
        async () =>
          system.log.wordsBeside(victim.name, TOO_LATE, contested).length > 0 ||
          !isDeepStrictEqual(await system.ledger.tasks(contested), before),
        { limitSeconds: LEASE_SECONDS },
      );
      await waitUntil('the woken worker runs tasks under a new registration', () => worksAnew(victim, lost), {
        limitSeconds: LEASE_SECONDS,
        everyMilliseconds: 5,
      });
      expect(await system.ledger.tasks(contested)).toEqual(before);
      heir.thaw();
      await load.stop();
      expect(await system.verdict()).toEqual([]);

      const late = system.log.wordsBeside(victim.name, TOO_LATE, left).length;
      system.log.report(
        `${left.length} ran on the frozen worker, which came too late with ${late}; ${contested.length} ran elsewhere then`,
      );
      const tasks = await system.ledger.tasks(left);
      expect(tasks.filter(({ worker }) => worker === lost)).toEqual([]);
      expectOnlyAccepted(atMs);
    }));

  it('does what was accepted by a web process that was killed between commit and dispatch', () =>
    system.log.shownOnFailure(async () => {
      let undispatched: string[] = [];
      const { load } = await injectUnderLoad(system, async () => {
        const commits = await holdCommits(system.ledger, 'holdfast web%');
        try {
          await commits.held();
          await system.web.freeze();
        } finally {
          await commits.release();
        }
        // In the ledger by now, and the only process that could have dispatched them does not move.
        const told = new Set(system.journal.taskIds());
        undispatched = (await system.ledger.taskIds()).filter((id) => !told.has(id));
        await system.web.kill();
      });
      expect(undispatched.length).toBeGreaterThan(0);
      await system.web.start();

      // The same again with an answer: acknowledged, and whether it was dispatched nobody knows.
      const answered = await load.post({ count: 100, runMs: 0 });
      await system.web.kill();
      expect(answered.status).toBe(202);
      await system.web.start();
      expect((await load.post({ count: 100, runMs: 0 })).status).toBe(202);
      await load.stop();
      expect(await system.verdict()).toEqual([]);

      system.log.report(`${undispatched.length} were committed by a web process that died before it heard of it`);
      const tasks = await system.ledger.tasks(undispatched);
      expect(tasks.filter(({ effects }) => effects.length === 1)).toHaveLength(undispatched.length);
    }));

  /** What stays in the hands of a worker that neither answers nor commits any more. */
  async function leftRunning(registration: string): Promise<string[]> {
    let before: string | undefined;
    return waitUntil(
      'what the stopped worker had sent off has been committed',
      async () => {
        const running = await system.ledger.runningOn(registration);
        const same = before === running.join();
        before = running.join();
        return same && running;
      },
      { limitSeconds: 10, everyMilliseconds: 250 },
    );
  }

  function doneElsewhere(tasks: readonly string[], lost: string): Promise<TaskAndEffect[]> {
    return waitUntil(
      'others have done the tasks of the lost worker',
      async () => {
        const found = await system.ledger.tasks(tasks);
        return found.every(({ state, worker }) => state === 'done' && worker !== lost) && found;
      },
      { limitSeconds: 2 * LEASE_SECONDS, everyMilliseconds: 200 },
    );
  }

  /** Freezes a worker at a moment at which it runs some of the tasks, and answers which. */
  function freezeWhileRunning(
    worker: System['workers'][number],
    tasks: readonly string[],
    registration: string,
  ): Promise<string[]> {
    return waitUntil(
      `${worker.name} runs tasks of the frozen worker`,
      async () => {
        if ((await runningAmong(tasks, registration)).length === 0) return false;
        await worker.freeze();
        const stopped = new Set(await leftRunning(registration));
        const running = tasks.filter((id) => stopped.has(id));
        if (running.length === 0) worker.thaw();
        return running.length > 0 && running;
      },
      { limitSeconds: 2 * LEASE_SECONDS, everyMilliseconds: 5 },
    );
  }

  /** Those of the tasks that run under this worker's registration. */
  async function runningAmong(tasks: readonly string[], worker: string): Promise<string[]> {
    const running = new Set(await system.ledger.runningOn(worker));
    return tasks.filter((id) => running.has(id));
  }

  async function worksAnew(worker: System['workers'][number], before: string): Promise<boolean> {
    const registration = await system.registrationOf(worker).catch(() => before);
    return registration !== before && (await system.ledger.runningOn(registration)).length > 0;
  }

  /** While only workers are at fault, no caller notices. */
  function expectOnlyAccepted(fromMs: number): void {
    const answers = answersByStatus(system.journal.sentBetween(fromMs, Infinity));
    expect(Object.keys(answers)).toEqual(['202']);
  }
});
