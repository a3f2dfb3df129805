import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Pool } from 'pg';
import { createDatabase } from '../../app/test/servers/databases';
import type { TestDatabase } from '../../app/test/servers/databases';
import { parseArguments } from '../../bench/peers/arguments';
import { Caller } from '../../bench/peers/caller';
import { count, readTrail } from '../../bench/peers/counting';
import type { JournalEntry } from '../../bench/peers/counting';
import { FAULTS } from '../../bench/peers/faults';
import { Part } from '../../bench/peers/part';
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

  const sent = (key: number, answer: JournalEntry['answer'], seconds: number): JournalEntry => ({
    ...{ key, answer },
    sentAtMs: at(seconds).getTime(),
  });
  const committed = (...keys: number[]) => pool.query('insert into request (key) select unnest($1::int[])', [keys]);
  const done = (key: number, seconds: number) =>
    pool.query(`insert into effect (key, worker, at) values ($1, 'worker-1', $2)`, [key, at(seconds)]);

  test('is counted as lost, orphaned or repeated', async () => {
    await committed(1, 2, 3, 4, 5, 7);
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
    ];
    expect(count(journal, await readTrail(pool), faultAtMs)).toEqual({
      ...{ accepted: 3, refused: 1, unanswered: 3, lost: 1, orphaned: 1, repeated: 1 },
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
    expect(count(journal, await readTrail(pool), faultAtMs)).toMatchObject({
      ...{ lost: 0, repeated: 1, againSeconds: 6, recoveredSeconds: 4 },
    });
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

test('options are read, and wrong ones are named', () => {
  expect(parseArguments(['r1-AOF', '--at-once', '1', '--json'])).toEqual({
    ...{ only: ['R1-aof'], atOnce: 1, json: true, write: false },
  });
  expect(() => parseArguments(['R9'])).toThrow(
    `there is no fault "R9"; there is: ${FAULTS.map(({ id }) => id).join(', ')}`,
  );
  expect(() => parseArguments(['--at-once', '0'])).toThrow('--at-once is "0"; allowed is a whole number from 1 to 8');
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
