import { CONFIGURATION, STAGE } from './cdk';
import { ACCOUNT, REGION } from './emulated-aws';
import type { TypedCommand } from './session';

const CDK = `-c stage=${STAGE} -c config=${CONFIGURATION}`;
const HOLDFAST = `--config ${CONFIGURATION}`;

/** What the session of docs/first-deploy.md types. */
export const FIRST_DEPLOY: readonly TypedCommand[] = [
  { command: `npx cdk bootstrap aws://${ACCOUNT}/${REGION}`, keep: /bootstrapp|CREATE_COMPLETE .*::Stack|✅/ },
  {
    command: `npx cdk deploy --all ${CDK} --require-approval never`,
    keep: /✨|✅|: deploying|^Outputs:|^[\w-]+\.\w+ = |^Stack ARN:|^arn:/,
  },
  { command: `npx holdfast status ${HOLDFAST}` },
  { command: `npx holdfast queues ${HOLDFAST}` },
  { command: `npx holdfast logs worker-default --since 15m --lines 6 ${HOLDFAST}` },
  { command: `npx holdfast drill queue-loss --probes 1000 --yes ${HOLDFAST}` },
  { command: `npx holdfast queues ${HOLDFAST}` },
];

/** Afterwards, without being recorded. */
export const DESTROY: TypedCommand = { command: `npx cdk destroy --all --force ${CDK}` };
