import type { OperationsContext } from '../../../lib/operations/context';
import { wantsWorkers } from '../../../lib/operations/stage/wants-workers';

/** @param least containers of each kind of worker, at least. */
function contextOf(...least: readonly number[]): OperationsContext {
  const workers = Object.fromEntries(least.map((min, index) => [`kind-${index}`, { scaling: { min } }]));
  return { isLocal: false, configuration: () => Promise.resolve({ workers }) } as unknown as OperationsContext;
}

describe('a stage', () => {
  it('wants a worker where one kind always has one', async () => {
    expect(await wantsWorkers(contextOf(0, 1))).toBe(true);
  });

  it.each([[[]], [[0]], [[0, 0]]])('wants none with at least %j of each kind', async (least) => {
    expect(await wantsWorkers(contextOf(...least))).toBe(false);
  });
});
