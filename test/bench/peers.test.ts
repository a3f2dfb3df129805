import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { createDatabase } from '../../app/test/servers/databases';
import type { TestDatabase } from '../../app/test/servers/databases';
import { parseArguments } from '../../bench/peers/arguments';
import type { Cell, Harm } from '../../bench/peers/cell';
import { cellOf, verdict } from '../../bench/peers/cell';
import { Caller } from '../../bench/peers/caller';
import { count, readTrail } from '../../bench/peers/counting';
import type { Counts, JournalEntry } from '../../bench/peers/counting';
import { FAULTS } from '../../bench/peers/faults';
import { Part } from '../../bench/peers/part';
import { held, json, markdown, table } from '../../bench/peers/report';
import { bullmq, holdfast } from '../../bench/peers/systems';
import type { Outcome } from '../../bench/peers/trial';
import { SCHEMA } from '../../bench/peers/workload';
import { waitUntil } from '../../app/local/servers/wait-until';

describe('what callers were told, beside what the database says', () => {
  const faultAtMs = Date.parse('2026-01-01T00:00:10Z');
  const at = (seconds: number) => new Date(faultAtMs + seconds * 1_000);
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await createDatabase();
    pool = new Pool({ connectionString: database.url });
    await pool.query(SCHEMA);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() => pool.query('truncate request, effect'));

  /** Answered half a second after it was sent. */
  const sent = (key: number, answer: JournalEntry['answer'], seconds: number): JournalEntry => ({
    ...{ key, answer, sentAtMs: at(seconds).getTime() },
    ...(answer !== 'unanswered' && { answeredAtMs: at(seconds + 0.5).getTime() }),
  });
  const committed = (...keys: number[]) => pool.query('insert into request (key) select unnest($1::int[])', [keys]);
  const done = (key: number, seconds: number) =>
    pool.query(`insert into effect (key, worker, at) values ($1, 'worker-1', $2)`, [key, at(seconds)]);

  test('is counted as lost, failed, orphaned or repeated', async () => {
    await committed(1, 2, 3, 4, 5, 7, 8, 9);
    await done(1, -1);
    await done(2, 3);
    await done(2, 5);
    await done(4, 2);
    const journal = [
      sent(1, 'accepted', -2),
      sent(2, 'accepted', -1),
      sent(3, 'accepted', -1),
      // Accepted all the same, which its caller could not know.
      sent(4, 'unanswered', -1),
      // Its caller may send it again.
      sent(5, 'refused', 1),
      // Its transaction was not committed, so nothing has to happen.
      sent(6, 'unanswered', 1),
      sent(7, 'unanswered', 1),
      sent(8, 'accepted', -1),
      sent(9, 'unanswered', -1),
    ];
    // Task 1 was done, whatever its store says.
    expect(count(journal, await readTrail(pool, [1, 8, 9]), [faultAtMs])).toEqual({
      ...{ accepted: 4, refused: 1, unanswered: 4, waiting: 3, lost: 1, failed: 2, orphaned: 1, repeated: 1 },
      againSeconds: undefined,
      recoveredSeconds: undefined,
    });
  });

  test('gives the times until new and until old tasks were done', async () => {
    await committed(1, 2, 3);
    await done(1, 4);
    await done(1, 9);
    await done(2, -1);
    await done(3, 6);
    const journal = [sent(1, 'accepted', -2), sent(2, 'accepted', -2), sent(3, 'accepted', 1)];
    expect(count(journal, await readTrail(pool, []), [faultAtMs])).toMatchObject({
      ...{ lost: 0, repeated: 1, waiting: 1, againSeconds: 6, recoveredSeconds: 4 },
    });
  });

  test('covers what was accepted until the fault was there, not what was sent', async () => {
    await done(1, 4);
    await done(2, 9);
    const journal = [sent(1, 'accepted', -1), sent(2, 'accepted', -0.25)];
    expect(count(journal, await readTrail(pool, []), [faultAtMs])).toMatchObject({ waiting: 1, recoveredSeconds: 4 });
  });

  test('covers each time that the fault comes', async () => {
    await done(1, 2);
    await done(2, 17);
    await done(3, 21);
    const journal = [sent(1, 'accepted', -1), sent(2, 'accepted', 5), sent(3, 'accepted', 12)];
    const faults = [faultAtMs, at(10).getTime()];
    expect(count(journal, await readTrail(pool, []), [faultAtMs])).toMatchObject({ recoveredSeconds: 2 });
    expect(count(journal, await readTrail(pool, []), faults)).toMatchObject({
      ...{ waiting: 1, againSeconds: 17, recoveredSeconds: 7 },
    });
  });
});

describe('a peer beside Holdfast', () => {
  const [fault] = FAULTS;
  const outcome = (system: Outcome['system'], counts: Partial<Counts>): Outcome => ({
    ...{ fault: fault!, system, settled: true, warmUpSeconds: 3, seconds: 30 },
    counts: {
      ...{ accepted: 500, refused: 0, unanswered: 0, waiting: 200, lost: 0, failed: 0, orphaned: 0, repeated: 0 },
      ...{ againSeconds: 1, recoveredSeconds: 2, ...counts },
    },
  });
  const peer = (...counts: Partial<Counts>[]): Cell => {
    const [first, ...more] = counts.map((each) => outcome(bullmq, each));
    return cellOf([first!, ...more]);
  };
  const own = (counts: Partial<Counts> = {}): Cell => cellOf([outcome(holdfast, counts)]);

  test.each<[says: string, counts: Partial<Counts>, ownCounts: Partial<Counts>]>([
    ['as well', {}, {}],
    ['loses', { lost: 3, recoveredSeconds: undefined }, { recoveredSeconds: 30 }],
    ['fails, repeats', { failed: 1, repeated: 7, recoveredSeconds: undefined }, {}],
    ['repeats more', { repeated: 7 }, { repeated: 1 }],
    ['orphans, Holdfast refuses more', { orphaned: 1, refused: 1 }, { refused: 2 }],
    ['refuses more, Holdfast is slower', { refused: 1 }, { recoveredSeconds: 9 }],
    ['is slower', { againSeconds: undefined }, {}],
    ['Holdfast loses', {}, { lost: 1, recoveredSeconds: undefined }],
  ])('%s', (says, counts, ownCounts) => {
    expect(verdict(peer(counts), own(ownCounts))).toBe(says);
  });

  const report = (...outcomes: Outcome[]) => ({
    ...{ faults: [fault!], systems: [holdfast, bullmq], rounds: 1, atOnce: 1, leftOut: [] },
    outcomes: outcomes.map((each) => ({ round: 1, ...each })),
    provenance: { date: 'today', commit: 'abc', environment: { versions: { pg: '1' }, cores: 2, platform: 'linux' } },
  });

  test('has what became of the poison beside it, which Holdfast has to show', () => {
    const poisoned = (system: Outcome['system'], fate: 'failed' | 'tried' | 'gone') => ({
      ...outcome(system, {}),
      poison: { fate, deaths: 2 },
    });
    const shown = report(poisoned(holdfast, 'failed'), poisoned(bullmq, 'tried'));
    expect(table(shown)).toContain('  poison: killed 2 times, shown as failed');
    expect(table(shown)).toContain('  as well; poison: killed 2 times, still tried at the end');
    expect(held(shown)).toBe(true);
    for (const fate of ['tried', 'gone'] as const) expect(held(report(poisoned(holdfast, fate)))).toBe(false);
  });

  test('has to go on while Redis is away, if it is Holdfast', () => {
    const frozen = FAULTS.find(({ id }) => id === 'R6-frozen')!;
    const lasted = (counts: Partial<Counts>) => held(report({ ...outcome(holdfast, counts), fault: frozen }));
    expect(lasted({ againSeconds: 5 })).toBe(true);
    expect(lasted({ refused: 1 })).toBe(false);
    expect(lasted({ againSeconds: 20.3 })).toBe(false);
    expect(held(report(outcome(holdfast, { againSeconds: undefined })))).toBe(false);
    // Another fault may be answered with a refusal.
    expect(held(report(outcome(holdfast, { refused: 1, againSeconds: 21 })))).toBe(true);
  });

  test('says when, from which commit and on what it was made', () => {
    const made = report(outcome(holdfast, {}));
    expect(markdown(made, 'npm run it')).toContain('`npm run it`. Made today from commit abc on 2 cores, linux: pg 1.');
    expect(JSON.parse(json(made))).toMatchObject(made.provenance);
  });

  test('is added up over the rounds', () => {
    const cell = peer({ lost: 3, recoveredSeconds: undefined }, { againSeconds: 4 }, { lost: 1, repeated: 2 });
    expect(cell.counts).toMatchObject({
      ...{ accepted: 1_500, lost: 4, repeated: 2, againSeconds: 4, recoveredSeconds: undefined },
    });
    expect(cell.inRounds).toEqual({ lost: 2, failed: 0, orphaned: 0, repeated: 1 } satisfies Record<Harm, number>);
    expect(verdict(cell, own())).toBe('loses in 2 of 3 rounds, repeats in 1 of 3 rounds');
  });

  test('fits the screen, with the settings of its Redis', () => {
    const faults = FAULTS.filter(({ id }) => id === 'R1-aof');
    const outcomes = [holdfast, bullmq].map((system) => ({
      ...{ ...outcome(system, { accepted: 99_999, lost: 9_999, waiting: 9_999, againSeconds: 100 }), round: 1 },
      fault: faults[0]!,
    }));
    const text = table({
      ...{ faults, outcomes, systems: [holdfast, bullmq], rounds: 1, atOnce: 1, leftOut: [] },
      provenance: { date: '', commit: '', environment: { versions: {}, cores: 2, platform: '' } },
    });
    expect(text).toContain('R1-aof: Redis SIGKILL, AOF everysec; appendonly yes everysec');
    expect(text).toContain('One trial at a time on 2 cores');
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
  });
});

test('a producer that is killed leaves its callers without an answer, and comes back', async () => {
  // Answers odd keys only, half of them with no.
  const script = `
    require('node:readline').createInterface({ input: process.stdin }).on('line', (key) => {
      if (key % 4 === 1) console.log('accepted ' + key);
      if (key % 4 === 3) console.log('refused ' + key + ' no room');
    });
    console.log('ready');`;
  const producer = new Part('producer', [process.execPath, '-e', script], {});
  const caller = new Caller(producer);
  const answered = (journal: readonly JournalEntry[]) => journal.filter(({ answer }) => answer !== 'unanswered').length;
  try {
    caller.send(1);
    expect(caller.journal).toEqual([]);
    producer.start();
    await waitUntil('it is up', () => (caller.send(4), caller.journal.length > 0), { limitSeconds: 20 });
    await waitUntil('half is answered', () => answered(caller.journal) === caller.journal.length / 2, {
      limitSeconds: 20,
    });
    const before = caller.journal.length;
    expect(caller.accepted).toBe(before / 4);
    expect([...caller.reasons]).toEqual([['no room', before / 4]]);
    producer.kill();
    await waitUntil('it is down', () => (caller.send(4), caller.journal.length), { limitSeconds: 1 });
    const down = caller.journal.length;
    await waitUntil('it is back', () => (caller.send(4), answered(caller.journal) > down / 2), { limitSeconds: 20 });
  } finally {
    await producer.stop();
  }
});

test('a program that cannot be started can be stopped', async () => {
  const part = new Part('none', [join(__dirname, 'there-is-no-such-program')], {});
  part.start();
  await part.stop();
  await waitUntil('it says why', () => part.lastWords.includes('ENOENT'), { limitSeconds: 5 });
});

test('options are read, and wrong ones are named', () => {
  expect(parseArguments(['r1-AOF', '--at-once', '1', '--json'])).toEqual({
    ...{ only: ['R1-aof'], atOnce: 1, rounds: 1, json: true, write: false },
  });
  expect(parseArguments(['--rounds', '3'])).toMatchObject({
    ...{ rounds: 3, atOnce: Math.min(8, Math.max(1, Math.floor(availableParallelism() / 2))) },
  });
  expect(() => parseArguments(['R9'])).toThrow(
    `there is no fault "R9"; there is: ${FAULTS.map(({ id }) => id).join(', ')}`,
  );
  expect(() => parseArguments(['--at-once', '0'])).toThrow('--at-once is "0"; allowed is a whole number from 1 to 8');
  expect(() => parseArguments(['--rounds', 'x'])).toThrow('--rounds is "x"; allowed is a whole number from 1 to 20');
});

test('--help says what there is', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, '../../bench/peers/run.ts'), '--help']);
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  for (const { id, title } of FAULTS) expect(text).toContain(`${id.padEnd(11)}${title}`);
  expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
});
