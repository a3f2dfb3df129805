import { App } from 'aws-cdk-lib';
import { ConfigurationError, resolveStage } from '../lib/config';
import { readContext } from '../lib/deployment-context';
import { readDeployment } from '../lib/deployment-file';
import { CustomizeError, DeploymentStage } from '../lib/deployment-stage';
import { rolledBackWarning } from '../lib/rolled-back';

/*
 * The CDK app: `npx cdk deploy --all -c stage=production`, and `-c config=…` for another configuration file than
 * holdfast.config.ts.
 */
async function deploy(): Promise<void> {
  const app = new App();
  const { stage, file } = readContext(app.node.getAllContext() as Readonly<Record<string, unknown>>);
  const { default: configuration, customize } = await readDeployment(file);
  const { costs } = new DeploymentStage(app, stage, {
    configuration,
    ...(customize === undefined ? {} : { customize }),
  });
  app.synth();
  // Not as an annotation: the CDK's command line leaves out what is less than a warning as soon as there is one.
  console.error(costs);
  // Set by the CDK's command line where it has found credentials.
  if (process.env['CDK_DEFAULT_ACCOUNT'] === undefined) return;
  const warning = await rolledBackWarning(resolveStage(configuration, stage));
  if (warning !== undefined) console.error(warning);
}

deploy().catch((error: unknown) => {
  if (error instanceof CustomizeError) console.error(`${error.message}\n`, error.cause);
  else console.error(error instanceof ConfigurationError ? error.message : error);
  process.exitCode = 1;
});
