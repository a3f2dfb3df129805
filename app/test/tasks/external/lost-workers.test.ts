import type { OnUnknown } from '../../../src/tasks';
import { EXTERNAL } from '../../../src/tasks/external/external-statements';
import { connectionRefused } from '../support/disturbed-ledger';
import { externalFixture } from '../support/external-fixture';
import type { ExternalFixture } from '../support/external-fixture';
import { gate } from '../support/gate';
import type { Gate } from '../support/gate';
import { until } from '../support/until';

let fixture: ExternalFixture;
/** Where the first attempt's worker is stuck. */
let thaw: Gate;

beforeEach(async () => {
  fixture = await externalFixture();
  thaw = gate();
  await fixture.startWorker();
});
afterEach(async () => {
  thaw.open();
  await fixture.close();
});

/** As a reaper does: whoever claims next gets the next fence. */
async function loseWorker(): Promise<void> {
  await fixture.rows(`update holdfast.task set state = 'queued', worker_id = null where state = 'running'`);
}

/** The first attempt that gets here is frozen, and its task goes to others. */
function freezeOnce(): () => Promise<void> {
  let first = true;
  return async () => {
    if (!first) return;
    first = false;
    await loseWorker();
    await thaw.opened;
  };
}

function called(key: string): number {
  return fixture.provider.accepted.get(key) ?? 0;
}

describe('a worker that is lost between intent and call', () => {
  const lose = (onUnknown: OnUnknown): Promise<string> => {
    fixture.parts.ledger.after(EXTERNAL.begin, freezeOnce());
    return fixture.accept(onUnknown);
  };

  it('under `repeat`: the next attempt calls', async () => {
    const id = await lose('repeat');
    expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, result: 'mail-0' });
    expect(called(`${id}:receipt`)).toBe(1);
  });

  it('under `park`: the next attempt does not call; one that was only frozen calls late, and that is the only call', async () => {
    const id = await lose('park');
    await fixture.reaches(id, 'parked');
    expect(fixture.provider.calls()).toBe(0);
    thaw.open();
    await until('the receipt is there', async () => (await fixture.tasks.get(id))?.effects[0]?.receiptAt != null);
    await expect(fixture.tasks.resolve(id, { outcome: 'not-sent' })).rejects.toThrow('it was sent');
    await fixture.tasks.resolve(id, { outcome: 'sent' });
    expect(await fixture.reaches(id, 'done')).toMatchObject({ result: 'mail-0' });
    expect(called(`${id}:receipt`)).toBe(1);
  });
});

describe('a worker that is lost between call and receipt', () => {
  const lose = (onUnknown: OnUnknown): Promise<string> => {
    fixture.parts.ledger.before(EXTERNAL.received, freezeOnce());
    return fixture.accept(onUnknown);
  };

  it('under `repeat`: the next attempt calls under the same key, and the first receipt stays', async () => {
    const id = await lose('repeat');
    await fixture.reaches(id, 'done');
    const [before] = (await fixture.tasks.get(id))!.effects;
    expect(called(`${id}:receipt`)).toBe(2);
    thaw.open();
    await until('the late receipt was written', () => fixture.parts.ledger.answered(EXTERNAL.received) === 2);
    expect((await fixture.tasks.get(id))!.effects).toEqual([before]);
    expect([...fixture.provider.accepted.keys()]).toEqual([`${id}:receipt`]);
  });

  it('under `park`: the next attempt does not call, and the task is parked', async () => {
    const id = await lose('park');
    await fixture.reaches(id, 'parked');
    expect(called(`${id}:receipt`)).toBe(1);
  });
});

it('a worker that is lost after the receipt: the next attempt gets it and does not call', async () => {
  fixture.parts.ledger.after(EXTERNAL.received, freezeOnce());
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 2, result: 'mail-0' });
  expect(called(`${id}:receipt`)).toBe(1);
});

it('the lost answer to the intent is asked again by the same attempt, and parks nothing', async () => {
  let lost = 0;
  fixture.parts.ledger.after(EXTERNAL.begin, () => {
    lost += 1;
    if (lost <= 2) connectionRefused();
  });
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 1, result: 'mail-0' });
  expect(lost).toBe(3);
  expect(called(`${id}:receipt`)).toBe(1);
});

it('the lost answer to the receipt is asked again by the same attempt, and nothing is called twice', async () => {
  let lost = 0;
  fixture.parts.ledger.before(EXTERNAL.received, () => {
    lost += 1;
    if (lost <= 2) connectionRefused();
  });
  const id = await fixture.accept('park');
  expect(await fixture.reaches(id, 'done')).toMatchObject({ attempt: 1, result: 'mail-0' });
  expect(called(`${id}:receipt`)).toBe(1);
});

it('nobody takes the task away between the look at its fence and the intent', async () => {
  const other = await fixture.connect();
  await other.query('begin');
  const held = gate();
  fixture.parts.ledger.before(EXTERNAL.begin, async () => {
    await other.query('update holdfast.task set fence = fence + 1, worker_id = gen_random_uuid()');
    held.open();
  });
  let error: unknown;
  fixture.run = (context) =>
    fixture.sends(context).catch((thrown: unknown) => {
      error = thrown;
    });
  await fixture.accept('repeat');
  await held.opened;
  await until('the intent waits for whoever takes the task', async () => {
    const rows = await fixture.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await other.query('commit');
  await until('the call was refused', () => error !== undefined);
  expect(error).toMatchObject({ name: 'FencedOff' });
  expect(fixture.provider.calls()).toBe(0);
  expect(await fixture.rows('select from holdfast.external_effect')).toEqual([]);
});
