import type { RunningDeployment } from '../deployment';
import { Operations } from '../operations';
import type { StepRunner, Steps } from '../steps';
import { AppClient } from './app.client';
import { AppSteps } from './app-steps';
import { DeploySteps } from './deploy-steps';
import { LossSteps } from './loss-steps';
import { OperationsSteps } from './operations-steps';
import { Operator } from './operator';
import { SecretsSteps } from './secrets-steps';
import { SessionSteps } from './session-steps';
import { Stage } from './stage';
import { WatchedLoad } from './watched-load';

/** What a user and an operator see of the deployed app while things go well, break and change. */
export async function runScenario({ aws, cdk, url }: RunningDeployment, steps: Steps): Promise<void> {
  const stage = new Stage(aws);
  await stage.verifySender('example.org');
  const app = new AppClient(url, await stage.adminToken());
  const operator = new Operator(new Operations(aws), stage, app);
  const load = new WatchedLoad(app, stage);
  const losses = new LossSteps(operator, load);
  await new AppSteps(app, stage).run(steps);
  await new OperationsSteps(operator).run(steps);
  const watched: StepRunner = {
    run: (name, step) =>
      steps.run(name, async () => {
        const result = await step();
        await operator.seeNoDeadTask();
        return result;
      }),
  };
  await new SessionSteps(operator).run(watched);
  await load.countAnew();
  await losses.run(watched);
  await new SecretsSteps(operator).run(watched);
  await load.countAnew();
  await losses.runInstances(watched);
  await new DeploySteps(cdk, operator, load).run(watched);
}
