import { Housekeeper } from '../../../src/tasks/maintaining/housekeeper';
import type { Chore, HousekeeperOptions } from '../../../src/tasks/maintaining/housekeeper';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

let fixture: LedgerFixture;
let parts: TestParts;
const keepers: Housekeeper[] = [];
beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
});
afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()));
  await parts.close();
  await fixture.drop();
});

function keep(chore: Chore, options: Partial<HousekeeperOptions> = {}): Housekeeper {
  const backoff = { firstSeconds: 0.01, factor: 2, maxSeconds: 0.02, jitter: 0 };
  const keeper = new Housekeeper([chore], { ...parts, backoff, ...options });
  keepers.push(keeper);
  keeper.start();
  return keeper;
}

const FAILS = 'housekeeping fails again and again';

describe('a chore that fails', () => {
  it('is told as an error from the third time in a row on, once while it lasts; then that it works again', async () => {
    let steps = 0;
    let healthy = false;
    keep({
      name: 'broken',
      everySeconds: 0.01,
      step: async (tx) => {
        steps += 1;
        if (!healthy) await tx.query('select 1 / 0');
        return {};
      },
    });
    await until('it has failed often', () => steps > 6);
    expect(parts.logger.saying(FAILS)).toMatchObject([{ level: 'error', fields: { chore: 'broken', failures: 3 } }]);
    expect(parts.logger.saying('works again')).toEqual([]);
    healthy = true;
    await until('it works', () => parts.logger.saying('housekeeping works again').length > 0);
    expect(parts.logger.saying('works again')).toMatchObject([{ level: 'info', fields: { chore: 'broken' } }]);
    healthy = false;
    await until('it is told anew', () => parts.logger.saying(FAILS).length === 2);
  });

  it('is told again while it lasts, at intervals', async () => {
    const step = () => Promise.reject(new Error('no'));
    keep({ name: 'broken', everySeconds: 0.01, step }, { tellEverySeconds: 0 });
    await until('it is told again', () => parts.logger.saying(FAILS).length >= 2);
    const failures = parts.logger.saying(FAILS).map(({ fields }) => fields.failures);
    expect(failures.slice(0, 2)).toEqual([3, 4]);
  });

  it('now and then is not worth an error', async () => {
    let steps = 0;
    const step = () => ((steps += 1) % 3 === 0 ? Promise.resolve({}) : Promise.reject(new Error('no')));
    keep({ name: 'shaky', everySeconds: 0.01, step });
    await until('it has been done often', () => steps > 9);
    expect(parts.logger.saying(FAILS)).toEqual([]);
    expect(parts.logger.saying('works again')).toEqual([]);
  });

  it('waits longer from failure to failure, whatever its own interval', async () => {
    const at: number[] = [];
    const step = () => {
      at.push(performance.now());
      return Promise.reject(new Error('no'));
    };
    const backoff = { firstSeconds: 0.05, factor: 4, maxSeconds: 0.2, jitter: 0 };
    keep({ name: 'broken', everySeconds: 0.001, step }, { backoff });
    await until('it has failed four times', () => at.length >= 4);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(49);
    expect(at[3]! - at[2]!).toBeGreaterThanOrEqual(199);
  });
});

it('who finds another process at a chore asks less often, and takes over when that one dies', async () => {
  const [inside, never, over] = [gate(), gate(), gate()];
  const other = workerParts(fixture.url);
  const chore = { name: 'long', everySeconds: 0.001 };
  let pid = 0;
  const dying = keep(
    {
      ...chore,
      step: async (tx) => {
        pid = (await tx.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
        inside.open();
        await never.opened;
        return {};
      },
    },
    { acceptor: other.acceptor },
  );
  await inside.opened;
  const askedAt: number[] = [];
  let answered = 0;
  const transaction: typeof parts.acceptor.transaction = (fn) => {
    askedAt.push(performance.now());
    return parts.acceptor.transaction(fn).finally(() => (answered += 1));
  };
  const step = (): Promise<object> => {
    over.open();
    return Promise.resolve({});
  };
  keep({ ...chore, step }, { acceptor: { transaction } });
  await until('it was told that another one is at it', () => answered > 0);
  const stopped = dying.stop();
  await fixture.rows('select pg_terminate_backend($1)', [pid]);
  await over.opened;
  expect(askedAt[1]! - askedAt[0]!).toBeGreaterThanOrEqual(1_990);
  never.open();
  await stopped;
  await other.close();
});
