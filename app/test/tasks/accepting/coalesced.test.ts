import { z } from 'zod';
import { createTasks, defineTask } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';

const text = defineTask({ name: 'text', payload: z.string() });
const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `text ${i}`);
/** PostgreSQL has no such character in its texts, and says so only when it gets it. */
const BAD = 'a\u0000b';

describe('concurrent accepts', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;

  beforeEach(async () => {
    fixture = await ledgerFixture();
    tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
  });
  afterEach(async () => {
    await tasks.close();
    await fixture.drop();
  });

  it('share few commits, and each caller gets the id of its own task', async () => {
    const payloads = texts(200);
    const accepted = await Promise.all(payloads.map((payload) => tasks.accept(text, payload)));
    const rows = await fixture.rows<{ uuid: string; payload: string }>('select uuid, payload from holdfast.task');
    const byId = new Map(rows.map((row) => [row.uuid, row.payload]));
    expect(accepted.map(({ id }) => byId.get(id))).toEqual(payloads);
    const [commits] = await fixture.rows<{ count: number }>(
      'select count(distinct xmin::text)::int from holdfast.task',
    );
    expect(commits!.count).toBeLessThanOrEqual(5);
    expect(tasks.metrics()).toMatchObject({ accepted: 200 });
  });

  it('fail alone: only the callers whose payload PostgreSQL refuses get an error, all others are accepted', async () => {
    const payloads = texts(200).map((payload, i) => (i === 77 || i === 199 ? BAD : payload));
    const settled = await Promise.allSettled(payloads.map((payload) => tasks.accept(text, payload)));
    const failed = settled.flatMap((result, i) => (result.status === 'rejected' ? [i] : []));
    expect(failed).toEqual([77, 199]);
    expect(settled[77]).toMatchObject({ reason: { code: '22P05' } });
    const rows = await fixture.rows<{ payload: string }>('select payload from holdfast.task order by id');
    expect(rows.map((row) => row.payload)).toEqual(payloads.filter((payload) => payload !== BAD));
    expect(tasks.metrics()).toMatchObject({ accepted: 198 });
  });

  it('all get the error when it is no single payload’s fault', async () => {
    await fixture.rows('alter table holdfast.task rename to moved');
    const settled = await Promise.allSettled(texts(3).map((payload) => tasks.accept(text, payload)));
    expect(settled).toMatchObject(Array(3).fill({ status: 'rejected', reason: { code: '42P01' } }));
  });

  it('as one acceptMany are all accepted or none', async () => {
    await expect(tasks.acceptMany(text, [...texts(10), BAD])).rejects.toMatchObject({ code: '22P05' });
    expect(await fixture.rows('select from holdfast.task')).toEqual([]);
    expect(await tasks.acceptMany(text, texts(10))).toHaveLength(10);
    const rows = await fixture.rows<{ payload: string }>('select payload from holdfast.task order by id');
    expect(rows.map((row) => row.payload)).toEqual(texts(10));
    expect(await tasks.acceptMany(text, [])).toEqual([]);
  });
});
