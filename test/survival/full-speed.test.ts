import { atFullSpeed } from './full-speed';
import type { System } from './system/system';

const BEFORE = new Map([
  ['worker-1', 400],
  ['worker-2', 400],
]);

/** @param perSecond effects of each worker; all other numbers of both together */
function systemWith(
  perSecond: readonly [number, number],
  { waiting = 3_000, occupied = 0, accepted = 0 }: { waiting?: number; occupied?: number; accepted?: number } = {},
): System {
  const names = ['worker-1', 'worker-2'];
  const ledger = {
    waiting: () => Promise.resolve(waiting),
    occupied: () => Promise.resolve(new Map(names.map((name) => [name, occupied]))),
    effectsByWorker: (fromMs: number, toMs: number) =>
      Promise.resolve(new Map(names.map((name, i) => [name, (perSecond[i]! * (toMs - fromMs)) / 1_000]))),
  };
  return {
    workers: names.map((name) => ({ name, alive: true })),
    journal: { acknowledgedBetween: (fromMs: number, toMs: number) => (accepted * (toMs - fromMs)) / 1_000 },
    ledger,
    registrationOf: ({ name }: { name: string }) => Promise.resolve(name),
  } as unknown as System;
}

function isFast(system: System, before?: ReadonlyMap<string, number>): Promise<boolean> {
  return atFullSpeed(system, Date.now() - 10_000, 0, before).then(
    () => true,
    () => false,
  );
}

describe('full speed', () => {
  it('is half of what each worker did before, while tasks wait', async () => {
    expect(await isFast(systemWith([210, 250]), BEFORE)).toBe(true);
    expect(await isFast(systemWith([390, 190]), BEFORE)).toBe(false);
  });

  it('is less for a worker whose slots have long tasks', async () => {
    expect(await isFast(systemWith([50, 50], { occupied: 0.8 }), BEFORE)).toBe(true);
    expect(await isFast(systemWith([30, 30], { occupied: 0.8 }), BEFORE)).toBe(false);
  });

  it('is a part of the load for each when nothing waits', async () => {
    expect(await isFast(systemWith([160, 40], { waiting: 10 }), BEFORE)).toBe(true);
    expect(await isFast(systemWith([190, 10], { waiting: 10 }), BEFORE)).toBe(false);
  });

  it('is what is accepted when nobody knows what they did before', async () => {
    expect(await isFast(systemWith([120, 120], { accepted: 200 }))).toBe(true);
    expect(await isFast(systemWith([60, 60], { accepted: 200 }))).toBe(false);
  });
});
