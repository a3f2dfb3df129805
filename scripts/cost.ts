import { writeFileSync } from 'node:fs';
import { configurationOf, optionsOf, runCommand } from './command';
import { REGIONS, costDocument, costIn, unpricedStages, unverifiedPercent, usd } from './cost/document';

const PAGE = 'docs/cost.md';
const HELP = `npm run cost -- [--config FILE] [--stage NAME] [--out FILE]

Prints what the stages cost in USD per month and writes ${PAGE}.

  --config FILE  another configuration than holdfast.config.ts
  --stage NAME   this stage alone; by default all, and what to turn down in
                 production, or in the last stage where there is none
  --out FILE     where the page is written; with another configuration or one
                 stage it is written only with this option`;

/* `npm run cost`: writes docs/cost.md and prints the totals. */
runCommand(async () => {
  const options = optionsOf(process.argv.slice(2), PAGE);
  if (options === undefined) {
    console.log(HELP);
    return;
  }
  const { configuration, stage } = await configurationOf(options);
  const stages = options.stage === undefined ? Object.keys(configuration.stages) : [stage];
  const page = costDocument(configuration, { file: options.config, stages, savingsOf: stage });
  for (const each of stages) {
    for (const region of REGIONS) {
      const estimate = costIn(configuration, each, region);
      const total = usd(estimate.totalUsdPerMonth).padStart(9);
      console.log(
        `${each.padEnd(12)} ${region.padEnd(15)} ${total} USD per month, ${unverifiedPercent(estimate)} unverified`,
      );
    }
  }
  for (const sentence of unpricedStages(configuration, stages)) console.log(sentence);
  if (options.out === undefined) {
    console.log('Nothing was written; --out FILE writes the arithmetic.');
    return;
  }
  writeFileSync(options.out, page);
  console.log(`The arithmetic is in ${options.out}.`);
});
