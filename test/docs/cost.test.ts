import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import reference from '../../holdfast.config';
import { loadStage } from '../../lib/config';
import { watchedCounts } from '../../lib/observability';
import { costDocument, costIn, savingsTable, summaryTable } from '../../scripts/cost/document';

const read = (...path: string[]): string => readFileSync(join(__dirname, '..', '..', ...path), 'utf8');

describe('what the documentation says of cost', () => {
  test('docs/cost.md is what npm run cost writes', () => {
    expect(read('docs', 'cost.md')).toBe(costDocument(reference));
  });

  test.each([
    ['the totals', summaryTable(reference)],
    ['what can be saved', savingsTable(reference)],
  ])('the readme has %s, as in docs/cost.md', (_what, table) => {
    expect(read('README.md')).toContain(table);
  });

  test.each(Object.keys(reference.stages))('is the estimate of %s that its budget is held against', (stage) => {
    const { cost } = loadStage(reference, stage, watchedCounts);
    expect(costIn(reference, stage, 'us-east-1').totalUsdPerMonth).toBeCloseTo(cost.totalUsdPerMonth, 2);
  });
});
