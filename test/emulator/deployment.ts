import { waitUntil } from '../../app/local/servers/wait-until';
import { PATHS } from '../../app/src/contract';
import { Cdk, STAGE } from './cdk';
import { EmulatedAws } from './emulated-aws';
import { checkKept } from './kept';
import type { Kept } from './kept';
import type { Steps } from './steps';

/** A stage of the reference app that runs on the emulated AWS. */
export interface RunningDeployment {
  readonly aws: EmulatedAws;
  readonly cdk: Cdk;
  readonly stage: string;
  /** Through the emulated load balancer, without a slash at the end. */
  readonly url: string;
}

export interface Uses {
  readonly use: (deployment: RunningDeployment) => Promise<void>;
  /** While the emulated AWS still answers. */
  readonly afterDestroy?: (aws: EmulatedAws, kept: Kept) => Promise<void>;
}

/** Deploys, hands the deployment over, destroys it. @throws what `use` and `afterDestroy` throw, after all is removed. */
export async function withDeployment(steps: Steps, uses: Uses): Promise<void> {
  const aws = await steps.run('start the emulated AWS', () => EmulatedAws.start());
  const cdk = new Cdk(aws.environment);
  try {
    await deployed(steps, { aws, cdk }, uses);
  } catch (error) {
    console.error(`The emulated AWS said last:\n${aws.log.slice(-40).join('\n')}`);
    throw error;
  } finally {
    cdk.remove();
    await steps.run('remove what was started', () => aws.stop());
  }
}

async function deployed(
  steps: Steps,
  { aws, cdk }: Pick<RunningDeployment, 'aws' | 'cdk'>,
  { use, afterDestroy }: Uses,
): Promise<void> {
  await steps.run('cdk bootstrap', () => cdk.bootstrap());
  const outputs = await steps.run('cdk deploy --all', () => cdk.deploy());
  const deployment = { aws, cdk, stage: STAGE, url: balancerUrl(aws, outputs) };
  await steps.run('answer through the load balancer', () => answers(deployment.url));
  await use(deployment);
  await steps.run('cdk destroy --all', () => cdk.destroy());
  const kept = await steps.run('uploads and last snapshots are kept, nothing else', () => checkKept(aws));
  await afterDestroy?.(aws, kept);
}

/** ministack serves a load balancer on its own port, by the name of the balancer in the path. */
function balancerUrl(aws: EmulatedAws, outputs: Awaited<ReturnType<Cdk['deploy']>>): string {
  const url = Object.values(outputs).flatMap((stack) => stack.Url ?? [])[0];
  if (url === undefined) throw new Error('The deployed stacks have no output Url.');
  const name = (new URL(url).hostname.split('.')[0] ?? '').replace(/-[0-9a-z]+$/, '');
  return `${aws.endpoint}/_alb/${name}`;
}

async function answers(url: string): Promise<void> {
  await waitUntil('the app is healthy', async () => (await fetch(`${url}${PATHS.health}`)).ok, { limitSeconds: 30 });
}
