import { DeploymentError, deployService, untilSteady } from '../aws/deployments';
import type { AskedDeployment } from '../aws/deployments';
import type { OperationsContext } from '../context';

const GOES_ON = 'Amazon ECS goes on replacing the containers; npx holdfast status shows it.';
const REST = 'processes that were changed stay so; the same command changes the rest.';

/** Where the definition of a process comes from. */
export interface DefinitionSource<Each> {
  /** @returns the ARN of the definition that a process is to run. */
  make(each: Each): Promise<string>;
  /** Takes back what `make` has made and the process does not run. @default - nothing is to be taken back */
  unused?(arn: string): Promise<void>;
}

/** Gives each process its definition, and waits until only that runs. */
export async function replaceDefinitions<Each extends { readonly process: string }>(
  context: OperationsContext,
  all: readonly Each[],
  source: DefinitionSource<Each>,
): Promise<void> {
  const aws = await context.aws();
  const configuration = await context.configuration();
  const made = new Map<string, string>();
  // What went wrong before says more than why this cannot be taken back.
  const takeBack = async (process: string): Promise<void> => {
    await source.unused?.(made.get(process) ?? '').catch(() => undefined);
  };
  const change = async (each: Each): Promise<AskedDeployment> => {
    const taskDefinition = await source.make(each);
    made.set(each.process, taskDefinition);
    try {
      return await deployService(aws, configuration, each.process, { taskDefinition });
    } catch (error) {
      await takeBack(each.process);
      throw error;
    }
  };
  const asked: AskedDeployment[] = [];
  await context.terminal.during(
    'Changing the services',
    async () => {
      for (const each of all) {
        context.signal.throwIfAborted();
        asked.push(await change(each));
      }
    },
    { unfinished: REST },
  );
  await context.terminal.during(
    'Waiting for the containers',
    async (tell) => {
      try {
        await untilSteady(aws, configuration, asked, tell, context.signal);
      } catch (error) {
        if (error instanceof DeploymentError) await takeBack(error.service);
        throw error;
      }
    },
    { goesOn: GOES_ON },
  );
}
