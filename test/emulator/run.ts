import { once } from 'node:events';
import { withDeployment } from './deployment';
import type { RunningDeployment } from './deployment';
import { missingRequirement } from './requirements';
import { Steps } from './steps';

/*
 * Deploys the reference app to an emulated AWS, runs the scenario and removes everything: npm run test:deploy.
 * With --keep it only deploys, and waits for Ctrl-C: for trying commands by hand.
 */
async function main(): Promise<void> {
  const missing = missingRequirement();
  if (missing !== undefined) {
    console.log(`Skipped: the deployment to an emulated AWS needs a container engine and Python. ${missing}`);
    if (process.env.CI === 'true') {
      console.error('A skipped test counts as failed in CI (CI=true).');
      process.exitCode = 1;
    }
    return;
  }
  const keep = process.argv.includes('--keep');
  const steps = new Steps((line) => console.log(line));
  await withDeployment(steps, async (deployment) => {
    if (keep) await keepUp(deployment);
    tellPlaceholders(deployment);
  });
  steps.end();
}

async function keepUp({ aws, url, stage }: RunningDeployment): Promise<void> {
  console.log(`\nThe stage ${stage} runs at ${url}; Ctrl-C destroys it. To reach it from another terminal:`);
  for (const [name, value] of Object.entries(aws.environment)) console.log(`export ${name}=${value}`);
  console.log('');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

function tellPlaceholders({ aws: { placeholders } }: RunningDeployment): void {
  console.log(`Placeholders, of which nothing was tried: ${placeholders.length}`);
  for (const { type, logicalId } of placeholders) console.log(`  ${type} ${logicalId}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
