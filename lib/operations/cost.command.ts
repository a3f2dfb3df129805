import { loadStage } from '../config';
import type { CostItem } from '../config';
import type { OperationsCommand } from './command';
import { EXIT } from './exit-codes';
import { usd } from './output/amounts';
import { GAP, bad, good, quiet, text, warning } from './output/block';
import type { Cell } from './output/block';

export const cost: OperationsCommand = {
  name: 'cost',
  summary: 'What the stage costs a month, line by line; asks no account',
  description:
    'What the stage costs in USD per month at its smallest scale, line by line, from the dated price lists of lib/config/prices.ts; asks no account. Exit code 1 above budgetUsdPerMonth.',
  examples: ['cost --stage production', 'cost --stage dev --json'],
  notLocal: 'it costs nothing',
  async run(context) {
    const configuration = await context.configuration();
    const { default: all } = await context.deployment();
    // Counts alarms as the stacks make them, for which the CDK is loaded.
    const { watchedCounts } = await import('../observability/index.ts');
    const estimate = context.checked(() => loadStage(all, context.stage, watchedCounts).cost);
    const { budgetUsdPerMonth } = configuration;
    const { items, totalUsdPerMonth, unverifiedUsdPerMonth, unpriced, assumptions, region } = estimate;
    const over = budgetUsdPerMonth !== undefined && totalUsdPerMonth > budgetUsdPerMonth;
    return {
      data: { stage: context.stage, budgetUsdPerMonth: budgetUsdPerMonth ?? null, ...estimate },
      view: [
        {
          kind: 'table',
          columns: [
            { heading: `${configuration.name} ${context.stage}, prices of ${region}`, cuts: 'end' },
            { heading: 'Quantity', align: 'right' },
            { heading: 'Unit' },
            { heading: 'USD a month', align: 'right' },
          ],
          rows: [
            ...items.map((item) => [item.label, amount(item.quantity), item.unit, priceOf(item)]),
            ['Total', '', '', { text: totalUsdPerMonth.toFixed(2), tone: 'strong' }],
          ],
        },
        GAP,
        text(`${usd(unverifiedUsdPerMonth)} of it (marked ?) rest on prices that no dated list of AWS's own confirms.`),
        ...(unpriced.length === 0
          ? []
          : [text(warning(`Without a known price, and not in the total: ${unpriced.join(', ')}.`))]),
        ...(budgetUsdPerMonth === undefined
          ? []
          : [
              text(
                over
                  ? bad(`That is over budgetUsdPerMonth, ${usd(budgetUsdPerMonth)}.`)
                  : good(`Within budgetUsdPerMonth, ${usd(budgetUsdPerMonth)}.`),
              ),
            ]),
        GAP,
        ...assumptions.map((sentence) => ({ kind: 'text' as const, text: quiet(sentence), indent: 2 })),
      ],
      exitCode: over ? EXIT.found : EXIT.done,
    };
  },
};

function amount(quantity: number): string {
  return quantity.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

function priceOf({ unitPriceUsd, usdPerMonth, verified }: CostItem): Cell {
  if (unitPriceUsd === undefined) return warning('unknown');
  return verified ? `${usdPerMonth.toFixed(2)} ` : `${usdPerMonth.toFixed(2)}?`;
}
