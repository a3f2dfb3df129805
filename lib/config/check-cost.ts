import type { CostEstimate } from './cost-estimate';
import type { Locate } from './locate';
import { isPricedRegion } from './prices';
import type { StageConfiguration } from './stage-configuration';
import type { StageFindings, StageWarning } from './warnings';

/** Items that the refusal of a budget names. */
const NAMED_ITEMS = 3;

/** Whether the estimate keeps to the budget, and what is uncertain about it. */
export function checkCost(
  { budgetUsdPerMonth, region }: StageConfiguration,
  cost: CostEstimate,
  locate: Locate,
): StageFindings {
  const mistakes: string[] = [];
  const total = cost.totalUsdPerMonth;
  if (budgetUsdPerMonth !== undefined && total > budgetUsdPerMonth) {
    const largest = [...cost.items].sort((a, b) => b.usdPerMonth - a.usdPerMonth).slice(0, NAMED_ITEMS);
    const named = largest.map(({ label, usdPerMonth }) => `${label} ${usdPerMonth.toFixed(2)}`).join(', ');
    mistakes.push(
      `${locate('budgetUsdPerMonth')} is ${budgetUsdPerMonth}, and the estimate is ${total.toFixed(2)} USD per month; allowed is at least that: raise it to ${Math.ceil(total)}, or save on the largest items: ${named}.`,
    );
  }
  const warnings: StageWarning[] = [];
  if (!isPricedRegion(region)) {
    warnings.push({
      id: 'holdfast:prices-of-another-region',
      text: `There is no price list for ${region}: the cost is estimated with the prices of ${cost.region}.`,
    });
  }
  const unknown = cost.unpriced.join(' and ');
  if (unknown !== '') {
    if (budgetUsdPerMonth !== undefined) {
      mistakes.push(
        `${locate('budgetUsdPerMonth')} is ${budgetUsdPerMonth}, and the price of ${unknown} is unknown; allowed is a budget where each price is known: add it to lib/config/prices.ts, or take out the budget.`,
      );
    }
    warnings.push({
      id: 'holdfast:price-unknown',
      text: `The price of ${unknown} is unknown and missing from the cost; add it to lib/config/prices.ts.`,
    });
  }
  return { mistakes, warnings };
}
