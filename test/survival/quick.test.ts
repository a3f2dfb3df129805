import { perform } from './perform';
import { ROWS } from './rows';

/** Of every kind of loss one; the others are for `npm run survive`. */
const QUICK = ['P1', 'P4', 'P8', 'R1', 'R2'] as const;
const SEED = 1;

jest.setTimeout(240_000);

describe('a fault under load', () => {
  it.each(QUICK)('%s', async (id) => {
    const row = ROWS.find((each) => each.id === id)!;
    const { facts, broken, notes } = await perform(row, SEED, { extent: 'quick' });
    process.stderr.write(`  ${id} ${row.fault}\n  ${JSON.stringify(facts)}\n  ${notes.join('\n  ')}\n`);
    expect(broken).toEqual([]);
    expect(facts.accepted).toBeGreaterThan(1_000);
    expect(facts).toMatchObject({ lost: 0, repeated: 0, done: facts.effects + facts.withoutEffect! });
    expect(facts.withoutEffect).toBeGreaterThan(0);
  });
});
