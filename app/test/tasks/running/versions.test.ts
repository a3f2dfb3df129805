import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import type { TaskDefinition, Tasks, Worker } from '../../../src/tasks';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';

/* One task as three builds of an app define it. */
const first = defineTask({ name: 'greet', payload: z.strictObject({ name: z.string() }) });
const second = defineTask({ name: 'greet', version: 2, payload: z.strictObject({ names: z.array(z.string()) }) });
const third = defineTask({
  name: 'greet',
  version: 3,
  payload: z.strictObject({ people: z.array(z.object({ name: z.string(), title: z.string().default('none') })) }),
  upgrade: {
    1: (old: { name: string }) => {
      if (old.name === '') throw new RangeError('nobody has no name');
      return { names: [old.name] };
    },
    2: (old: { names: string[] }) => ({ people: old.names.map((name) => ({ name })) }),
  },
});
const newcomer = defineTask({ name: 'newcomer', payload: z.object({}) });

let fixture: LedgerFixture;
let oldBuild: Tasks;
let newBuild: Tasks;
let ran: { by: string; payload: unknown }[];

beforeEach(async () => {
  fixture = await ledgerFixture();
  oldBuild = openEngine(fixture, undefined);
  newBuild = openEngine(fixture, undefined);
  ran = [];
});
afterEach(async () => {
  await Promise.all([oldBuild.close(), newBuild.close()]);
  await fixture.drop();
});

function work(tasks: Tasks, by: string, ...definitions: TaskDefinition[]): Promise<Worker> {
  const handlers = definitions.map((definition) =>
    handle(definition, ({ payload }) => Promise.resolve(void ran.push({ by, payload }))),
  );
  return tasks.startWorker({ handlers, queues: [{ name: 'default' }] });
}

async function reaches(id: string, state: string): Promise<void> {
  await until(`${id} is ${state}`, async () => (await taskRow(fixture, id)).state === state);
}

it('different builds side by side: the old worker leaves new names and versions alone, the new one runs all, nothing is dead', async () => {
  const oldWorker = await work(oldBuild, 'old', first);
  const unknown = [await newBuild.accept(third, { people: [{ name: 'Ida' }] }), await newBuild.accept(newcomer, {})];
  const known = await oldBuild.accept(first, { name: 'Ada' });
  await reaches(known.id, 'done');
  for (const { id } of unknown) {
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'queued', attempts: 0, fence: 0 });
  }

  await work(newBuild, 'new', third, newcomer);
  for (const { id } of unknown) await reaches(id, 'done');
  // The old build goes on accepting while the new one is already all that works.
  await oldWorker.stop();
  const older = [
    await oldBuild.accept(first, { name: 'Eva' }),
    await oldBuild.accept(second, { names: ['Ada', 'Eva'] }),
  ];
  for (const { id } of older) await reaches(id, 'done');
  expect(ran.filter(({ by }) => by === 'old')).toEqual([{ by: 'old', payload: { name: 'Ada' } }]);
  const payloads = ran.filter(({ by }) => by === 'new').map(({ payload }) => payload);
  const person = (name: string): object => ({ name, title: 'none' });
  expect(payloads).toHaveLength(4);
  expect(payloads).toEqual(
    expect.arrayContaining([
      { people: [person('Ida')] },
      {},
      { people: [person('Eva')] },
      { people: [person('Ada'), person('Eva')] },
    ]),
  );
  expect(await fixture.rows(`select from holdfast.task where state <> 'done' or attempts <> 1`)).toEqual([]);
});

it('a worker registers every version that it can upgrade', async () => {
  await work(newBuild, 'new', third);
  const [row] = await fixture.rows<{ kinds: string[] }>('select kinds from holdfast.worker');
  expect(row?.kinds).toEqual(['greet@3', 'greet@2', 'greet@1']);
});

it('a payload that cannot be upgraded never reaches the handler: the task is dead at once and says which step failed', async () => {
  await work(newBuild, 'new', third);
  const { id } = await oldBuild.accept(first, { name: '' });
  await reaches(id, 'dead');
  const row = await taskRow(fixture, id);
  expect(row).toMatchObject({ dead_reason: 'non-retryable', attempts: 1 });
  expect(row.error).toMatch(/cannot be upgraded from version 1 to 2: RangeError: nobody has no name/);
  expect(ran).toEqual([]);
});

it('what an upgrade makes is checked by the schema as every payload is', async () => {
  const careless = defineTask({ name: 'greet', version: 2, payload: second.payload, upgrade: { 1: () => ({}) } });
  await work(newBuild, 'new', careless);
  const { id } = await oldBuild.accept(first, { name: 'Ada' });
  await reaches(id, 'dead');
  expect((await taskRow(fixture, id)).error).toMatch(/payload does not fit its schema[^]*names/);
});

it('two handlers for one version, one of them by upgrading, are refused', async () => {
  await expect(work(newBuild, 'new', third, second)).rejects.toThrow(/one handler for each name and version/);
});

it.each([
  ['with a gap', 3, [1]],
  ['from the version itself', 2, [1, 2]],
  ['from no version at all', 2, [0, 1]],
])('upgrades %s are refused', (_, version, from) => {
  const upgrade = Object.fromEntries(from.map((one) => [one, (old: unknown) => old]));
  expect(() => defineTask({ name: 'greet', version, payload: z.object({}), upgrade })).toThrow(
    `task 'greet': upgrade is ${JSON.stringify(from)}; allowed is steps from versions before ${version}, without a gap up to it`,
  );
});
