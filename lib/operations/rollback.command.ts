import type { Service } from '@aws-sdk/client-ecs';
import type { AwsClients } from './aws/clients';
import { deployService, serviceNamed, servicesOf, untilSteady } from './aws/services';
import type { AskedDeployment } from './aws/services';
import { definitionIfThere, definitionOf, revisionOf, rolledBackOf } from './aws/task-definitions';
import type { Definition } from './aws/task-definitions';
import { isSet, textOption } from './command';
import type { CommandResult, Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { missingError, usageError } from './exit-codes';
import { ago } from './output/amounts';
import { GAP, good, text } from './output/block';
import { previousVersion } from './rollback/previous-version';
import { registerAgain } from './rollback/register-again';

/** A deploy registers what it changes within minutes. */
const SAME_DEPLOY_MS = 15 * 60_000;
const GOES_ON = 'Amazon ECS goes on replacing the containers; npx holdfast status shows it.';
const REST = 'processes that were changed stay so; the same command changes the rest.';

export const rollback: OperationsCommand = {
  name: 'rollback',
  summary: 'Run the versions before the last deploy again, within minutes',
  description:
    'Run the versions before the last deploy again: of all processes that it changed, or of one. Containers are replaced as in a deploy; the database keeps its migrations, which have to suit the version before. status, doctor and npx cdk deploy tell that it is rolled back until a deploy replaces the process, or --undo does.',
  words: { '[process]': 'web, worker-KIND or scheduler (default: all that the last deploy changed)' },
  options: {
    '--to <revision>': "with a process: this revision of its task definition, status shows today's",
    '--undo': 'run again what was deployed',
  },
  examples: ['rollback --stage production', 'rollback worker-default --to 41', 'rollback --undo --yes'],
  notLocal: 'it runs the files of this folder: check out others and start it again',
  async run(context, input) {
    const to = revisionAsked(input);
    await refuseDuringDeploy(context);
    const running = await runningVersions(context, input.words[0]);
    return isSet(input, 'undo') ? undo(context, running) : back(context, running, to);
  },
};

interface RunningVersion {
  readonly process: string;
  readonly service: Service;
  readonly definition: Definition;
}

/** A process and the definition that it is to run. */
interface Change extends RunningVersion {
  readonly target: Definition;
}

function revisionAsked(input: Input): number | undefined {
  const given = textOption(input, 'to');
  if (given === undefined) return undefined;
  if (isSet(input, 'undo')) throw usageError('rollback has both --to and --undo; allowed is one: leave the other out.');
  if (input.words[0] === undefined) {
    throw usageError(`--to stands alone; allowed is it beside a process: write rollback web --to ${given}.`);
  }
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw usageError(`--to is "${given}"; allowed is the number of a revision: write --to 41.`);
}

/** CloudFormation waits for what it has told the services, and would take another change for its own. */
async function refuseDuringDeploy(context: OperationsContext): Promise<void> {
  const { StackName = '', StackStatus = '' } = await (await context.deployed()).stack('stateless');
  if (!StackStatus.endsWith('_IN_PROGRESS')) return;
  // CancelUpdateStack takes a stack in this state only.
  const mend =
    StackStatus === 'UPDATE_IN_PROGRESS'
      ? `wait, or take it back with aws cloudformation cancel-update-stack --stack-name ${StackName}`
      : 'wait for its end';
  throw usageError(`A deploy of ${StackName} is under way (${StackStatus}); allowed is a rollback after it: ${mend}.`);
}

async function runningVersions(context: OperationsContext, process: string | undefined): Promise<RunningVersion[]> {
  const aws = await context.aws();
  const services = await servicesOf(aws, await context.configuration());
  const chosen = process === undefined ? services : [serviceNamed(services, process)];
  return Promise.all(
    chosen.map(async (service) => ({
      process: service.serviceName ?? '',
      service,
      definition: await definitionOf(aws, service.taskDefinition ?? ''),
    })),
  );
}

async function back(
  context: OperationsContext,
  running: readonly RunningVersion[],
  to: number | undefined,
): Promise<CommandResult> {
  const changes = await context.terminal.during('Looking for the versions before', () =>
    to === undefined ? changesBefore(context, running) : changesTo(context, running, to),
  );
  await context.terminal.confirm(
    `Run ${changes.map(({ process, definition, target }) => `${process} ${target.revision} instead of ${definition.revision} (registered ${registered(definition)})`).join(', ')} on stage ${context.stage}? The database keeps its migrations.`,
  );
  const moved: Move[] = [];
  await replace(context, changes, async ({ service, definition, target, process }) => {
    const deployed = rolledBackOf(service, definition)?.fromArn ?? definition.arn;
    const arn = await registerAgain(await context.aws(), target, deployed);
    moved.push({ process, from: revisionOf(deployed), to: revisionOf(arn), sameAs: String(target.revision) });
    return arn;
  });
  return {
    data: { stage: context.stage, rolledBack: moved },
    view: [
      ...moved.map(({ process, from, to: revision, sameAs }) =>
        text(good(`${process} runs what revision ${sameAs} was, as ${revision}, instead of ${from}.`)),
      ),
      GAP,
      text(
        'Next: deploy a mended version; processes that it does not change stay rolled back until npx holdfast rollback --undo.',
      ),
    ],
  };
}

async function changesTo(
  context: OperationsContext,
  running: readonly RunningVersion[],
  to: number,
): Promise<Change[]> {
  const aws = await context.aws();
  return Promise.all(
    running.map(async (each) => {
      const target = await definitionIfThere(aws, `${each.definition.family}:${to}`);
      if (target !== undefined) return { ...each, target };
      throw missingError(
        `${each.process} has no revision ${to}: aws ecs list-task-definitions --family-prefix ${each.definition.family} lists them.`,
      );
    }),
  );
}

/** Of what the last deploy changed, what is not rolled back yet: an interrupted rollback goes on. */
async function changesBefore(context: OperationsContext, running: readonly RunningVersion[]): Promise<Change[]> {
  const aws = await context.aws();
  const stage = await context.configuration();
  const changed = await ofLastDeploy(aws, running);
  const deployed = changed.filter(({ service, definition }) => rolledBackOf(service, definition) === undefined);
  const [first] = changed.flatMap(({ service, definition }) => rolledBackOf(service, definition) ?? []);
  if (first !== undefined && deployed.length === 0) {
    throw usageError(
      `${first.process} is rolled back already, from revision ${first.from} to ${first.to}; allowed is to end that first, or to name a revision: write rollback --undo, or rollback ${first.process} --to NUMBER.`,
    );
  }
  const found = await Promise.all(
    deployed.map(async (each) => {
      const target = await previousVersion(aws, stage, each.service, each.definition);
      return target === undefined ? [] : [{ ...each, target }];
    }),
  );
  const changes = found.flat();
  if (changes.length > 0) return changes;
  const names = deployed.map(({ process }) => process).join(', ');
  throw missingError(`No earlier version is known of ${names}: deploy the one that you want.`);
}

/** What the last deploy left alone was right before it, and is now. */
async function ofLastDeploy(aws: AwsClients, running: readonly RunningVersion[]): Promise<RunningVersion[]> {
  const timed = await Promise.all(
    running.map(async (each) => {
      const back = rolledBackOf(each.service, each.definition);
      const deployed = back === undefined ? undefined : await definitionIfThere(aws, back.fromArn);
      return { each, at: (deployed ?? each.definition).content.registeredAt?.getTime() ?? 0 };
    }),
  );
  const newest = Math.max(...timed.map(({ at }) => at));
  return timed.filter(({ at }) => newest - at <= SAME_DEPLOY_MS).map(({ each }) => each);
}

function registered({ content: { registeredAt } }: Definition): string {
  return registeredAt === undefined ? 'at an unknown time' : ago(registeredAt);
}

async function undo(context: OperationsContext, running: readonly RunningVersion[]): Promise<CommandResult> {
  const back = running.flatMap(({ service, definition }) => rolledBackOf(service, definition) ?? []);
  if (back.length === 0) {
    throw missingError(
      `Nothing is rolled back: ${running.map(({ process }) => process).join(', ')} run what was deployed.`,
    );
  }
  await context.terminal.confirm(
    `Run ${back.map(({ process, from, to }) => `${process} ${from} instead of ${to}`).join(', ')} again on stage ${context.stage}?`,
  );
  await replace(context, back, ({ fromArn }) => Promise.resolve(fromArn));
  const moved = back.map(({ process, from, to }) => ({ process, from: String(to), to: from }));
  return {
    data: { stage: context.stage, undone: moved.map(({ process, from, to }) => ({ process, from, to })) },
    view: moved.map(({ process, to }) => text(good(`${process} runs revision ${to} again, as deployed.`))),
  };
}

interface Move {
  readonly process: string;
  readonly from: string;
  readonly to: string;
  /** The earlier revision of which `to` is a copy. */
  readonly sameAs: string;
}

/**
 * Gives each process its definition, and waits until only that runs.
 * @param definition makes the definition that a process is to run. @returns its ARN.
 */
async function replace<Each extends { readonly process: string }>(
  context: OperationsContext,
  all: readonly Each[],
  definition: (each: Each) => Promise<string>,
): Promise<void> {
  const aws = await context.aws();
  const configuration = await context.configuration();
  const asked: AskedDeployment[] = [];
  await context.terminal.during(
    'Changing the services',
    async () => {
      for (const each of all) {
        context.signal.throwIfAborted();
        const taskDefinition = await definition(each);
        asked.push(await deployService(aws, configuration, each.process, { taskDefinition }));
      }
    },
    { goesOn: REST },
  );
  await context.terminal.during(
    'Waiting for the containers',
    (tell) => untilSteady(aws, configuration, asked, tell, context.signal),
    { goesOn: GOES_ON },
  );
}
