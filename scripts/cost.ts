import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import configuration from '../holdfast.config';
import { REGIONS, costDocument, costIn, unverifiedPercent, usd } from './cost/document';

/* `npm run cost`: writes docs/cost.md and prints the totals. */
writeFileSync(join(__dirname, '..', 'docs', 'cost.md'), costDocument(configuration));
for (const stage of Object.keys(configuration.stages)) {
  for (const region of REGIONS) {
    const estimate = costIn(configuration, stage, region);
    const total = usd(estimate.totalUsdPerMonth).padStart(9);
    console.log(
      `${stage.padEnd(12)} ${region.padEnd(15)} ${total} USD per month, ${unverifiedPercent(estimate)} unverified`,
    );
  }
}
console.log('The arithmetic is in docs/cost.md.');
