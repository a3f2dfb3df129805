import { json, table } from './report';
import type { Facts, Verdict } from './row';
import { rowOf } from './rows';

const COUNTS = { accepted: 123_456, done: 123_456, otherwise: 10, effects: 123_456, repeated: 0, lost: 0 };
const SINCE_FAULT: Facts = { ...COUNTS, recoverySeconds: 13.8, recoverySince: 'fault' };
const SINCE_HEALING: Facts = { ...COUNTS, recoverySeconds: 0.1, recoverySince: 'healing' };
/** Columns are as wide as what stands in them: this row is simulated. */
const WIDE = rowOf('I2');

function verdictOf(facts: Facts): Verdict {
  return { row: WIDE, facts, broken: [], notes: [], seconds: 1 };
}

/** The lines of the rows, between the heading and the sums, and these. */
function linesOf(verdicts: readonly Verdict[]): string[] {
  return table(verdicts, { all: false })
    .split('\n')
    .slice(0, verdicts.length + 2);
}

it('fits 80 columns when all rows are run', () => {
  const lines = linesOf(Array.from({ length: 45 }, () => verdictOf(SINCE_FAULT)));
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
});

it('says since when a recovery counts', () => {
  const verdicts = [verdictOf(SINCE_FAULT), verdictOf(SINCE_HEALING)];
  const [, fault, healing] = linesOf(verdicts);
  expect(fault).toContain(' 13.8 fault ');
  expect(healing).toContain(' 0.1 heal ');
  const { rows } = JSON.parse(json(verdicts, { seed: 1, all: false, provenance: {} as never })) as {
    rows: { facts: Facts }[];
  };
  expect(rows.map(({ facts }) => facts.recoverySince)).toEqual(['fault', 'healing']);
});
