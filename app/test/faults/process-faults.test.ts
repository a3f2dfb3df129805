import { waitUntil } from '../../local/servers/wait-until';
import { holdCommits } from './hold-commits';
import { injectUnderLoad } from './inject';
import { answersByStatus } from './journal';
import type { TaskAndEffect } from './ledger-view';
import { System } from './system';

/** The engine's default lease, after which a silent worker's tasks go to others. */
const LEASE_SECONDS = 15;
const GRACE_SECONDS = 5;
const FENCED_OFF = 'holdfast_engine_fenced_off_total';

describe('a process dies or freezes under load', () => {
  let system: System;

  beforeAll(async () => {
    system = await System.start();
  });

  afterEach(() => system.heal());

  afterAll(() => system.stop());

  /** What stays in the hands of a worker that neither answers nor commits any more. */
  async function leftRunning(worker: string): Promise<string[]> {
    let before: string | undefined;
    const left = await waitUntil(
      'what the lost worker had sent off has been committed',
      async () => {
        const running = await system.ledger.runningOn(worker);
        const same = before === running.join();
        before = running.join();
        return same && running;
      },
      { limitSeconds: 10, everyMilliseconds: 500 },
    );
    expect(left.length).toBeGreaterThan(0);
    return left;
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

  /** While only workers are at fault, no caller notices. */
  function expectOnlyAccepted(fromMs: number): void {
    const answers = answersByStatus(system.journal.sentBetween(fromMs, Infinity));
    expect(Object.keys(answers)).toEqual(['202']);
  }

  it(
    'hands the tasks of a killed worker to others within lease + 5 s, each with one effect',
    () =>
      system.log.shownOnFailure(async () => {
        const [victim] = system.workers;
        const lost = await system.registrationOf(victim);
        const { load, atMs } = await injectUnderLoad(system, () => victim.kill());
        const tasks = await leftRunning(lost);

        const redone = await doneElsewhere(tasks, lost);
        await victim.start();
        await load.stop();
        expect(await system.verdict()).toEqual([]);

        const lastEffectMs = Math.max(...redone.flatMap(({ effects }) => effects.map((effect) => effect.atMs)));
        const seconds = (lastEffectMs - atMs) / 1000;
        system.log.report(`${tasks.length} ran on the killed worker; the last was done ${seconds.toFixed(1)} s later`);
        expect(seconds).toBeLessThanOrEqual(LEASE_SECONDS + GRACE_SECONDS);
        expectOnlyAccepted(atMs);
      }),
    120_000,
  );

  it(
    'lets a worker that was frozen past its lease change nothing when it wakes',
    () =>
      system.log.shownOnFailure(async () => {
        const [victim] = system.workers;
        const lost = await system.registrationOf(victim);
        const fencedOffBefore = await victim.metric(FENCED_OFF);
        const { load, atMs } = await injectUnderLoad(system, () => victim.freeze());
        const tasks = await leftRunning(lost);

        const before = await doneElsewhere(tasks, lost);
        victim.thaw();
        await waitUntil(
          'the woken worker runs tasks under a new registration',
          async () => {
            const now = await system.registrationOf(victim).catch(() => lost);
            return now !== lost && (await system.ledger.runningOn(now)).length > 0;
          },
          { limitSeconds: LEASE_SECONDS },
        );
        const fencedOff = (await victim.metric(FENCED_OFF)) - fencedOffBefore;
        await load.stop();
        expect(await system.verdict()).toEqual([]);

        system.log.report(`${tasks.length} ran on the frozen worker; woken, it came too late with ${fencedOff}`);
        // Otherwise the fence was not put to the test.
        expect(fencedOff).toBeGreaterThan(0);
        expect(await system.ledger.tasks(tasks)).toEqual(before);
        expectOnlyAccepted(atMs);
      }),
    120_000,
  );

  it(
    'does what was accepted by a web process that was killed between commit and dispatch',
    () =>
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
        const answered = await load.post(100, 0);
        await system.web.kill();
        expect(answered.status).toBe(202);
        await system.web.start();
        expect((await load.post(100, 0)).status).toBe(202);
        await load.stop();
        expect(await system.verdict()).toEqual([]);

        system.log.report(`${undispatched.length} were committed by a web process that died before it heard of it`);
        const tasks = await system.ledger.tasks(undispatched);
        expect(tasks.filter(({ effects }) => effects.length === 1)).toHaveLength(undispatched.length);
      }),
    120_000,
  );
});
