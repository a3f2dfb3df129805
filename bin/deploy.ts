import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { ConfigurationError } from '../lib/config';
import { DeploymentStage } from '../lib/deployment-stage';
import type { Deployment } from '../lib/deployment-stage';

/*
 * The CDK app: `npx cdk deploy --all -c stage=production`, and `-c config=…` for another configuration file than
 * holdfast.config.ts.
 */
async function deploy(): Promise<void> {
  const app = new App();
  const file = resolve(String(app.node.tryGetContext('config') ?? 'holdfast.config.ts'));
  const { default: configuration, customize } = (await import(file)) as Deployment;
  const stage = String(app.node.tryGetContext('stage') ?? 'dev');
  new DeploymentStage(app, stage, { configuration, ...(customize === undefined ? {} : { customize }) });
  app.synth();
}

deploy().catch((error: unknown) => {
  console.error(error instanceof ConfigurationError ? error.message : error);
  process.exitCode = 1;
});
