import assert from 'node:assert/strict';
import { once } from 'node:events';
import { withDeployment } from './deployment';
import type { RunningDeployment, Uses } from './deployment';
import { checkCalls } from './permissions/check-calls';
import { missingRequirement } from './requirements';
import { runScenario } from './scenario/scenario';
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
  // The SDK's versions are pinned, and engines of package.json says which Node.js they run on.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const keep = process.argv.includes('--keep');
  const steps = new Steps((line) => console.log(line));
  await withDeployment(steps, keep ? { use: keepUp } : scenario(steps));
  steps.end();
}

function scenario(steps: Steps): Uses {
  return {
    use: async (deployment) => {
      await runScenario(deployment, steps);
      tellPlaceholders(deployment);
    },
    afterDestroy: async ({ calls }, { objects }) => {
      assert.ok(objects > 0, 'the uploaded poster is gone');
      await steps.run('roles were allowed what they did, and little else', () => checkCalls(calls));
    },
  };
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
