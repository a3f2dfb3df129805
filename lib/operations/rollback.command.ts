import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import type { Service } from '@aws-sdk/client-ecs';
import { clusterName } from '../config';
import { serviceNamed, servicesOf, untilSteady } from './aws/services';
import { definitionOf, revisionOf, rolledBackOf } from './aws/task-definitions';
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
  throw usageError(
    `A deploy of ${StackName} is under way (${StackStatus}); allowed is a rollback after it: wait, or take it back with aws cloudformation cancel-update-stack --stack-name ${StackName}.`,
  );
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
  const already = running.flatMap(({ service, definition }) => rolledBackOf(service, definition) ?? []);
  const [first] = already;
  if (first !== undefined && to === undefined) {
    throw usageError(
      `${first.process} is rolled back already, from revision ${first.from} to ${first.to}; allowed is to end that first, or to name a revision: write rollback --undo, or rollback ${first.process} --to NUMBER.`,
    );
  }
  const changes = await context.terminal.during('Looking for the versions before', () =>
    changesOf(context, running, to),
  );
  if (changes.length === 0) {
    const names = running.map(({ process }) => process).join(', ');
    throw missingError(`No earlier version is known of ${names}: deploy the one that you want.`);
  }
  await context.terminal.confirm(
    `Run ${changes.map(({ process, definition, target }) => `${process} ${target.revision} instead of ${definition.revision} (registered ${registered(definition)})`).join(', ')} on stage ${context.stage}? The database keeps its migrations.`,
  );
  const aws = await context.aws();
  const moved: Move[] = [];
  for (const { process, service, definition, target } of changes) {
    const deployed = rolledBackOf(service, definition)?.fromArn ?? definition.arn;
    const arn = await registerAgain(aws, target, deployed);
    await update(context, process, arn);
    moved.push({ process, from: revisionOf(deployed), to: revisionOf(arn), sameAs: String(target.revision) });
  }
  await untilReplaced(context, moved);
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

async function changesOf(
  context: OperationsContext,
  running: readonly RunningVersion[],
  to: number | undefined,
): Promise<Change[]> {
  const aws = await context.aws();
  if (to !== undefined) {
    return Promise.all(
      running.map(async (each) => ({ ...each, target: await definitionOf(aws, `${each.definition.family}:${to}`) })),
    );
  }
  const stage = await context.configuration();
  const found = await Promise.all(
    ofLastDeploy(running).map(async (each) => {
      const target = await previousVersion(aws, stage, each.service, each.definition);
      return target === undefined ? [] : [{ ...each, target }];
    }),
  );
  return found.flat();
}

/** What the last deploy left alone was right before it, and is now. */
function ofLastDeploy(running: readonly RunningVersion[]): RunningVersion[] {
  const at = ({ definition }: RunningVersion): number => definition.content.registeredAt?.getTime() ?? 0;
  const newest = Math.max(...running.map(at));
  return running.filter((each) => newest - at(each) <= SAME_DEPLOY_MS);
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
  for (const { process, fromArn } of back) await update(context, process, fromArn);
  const moved = back.map(({ process, from, to }) => ({ process, from: String(to), to: from, sameAs: from }));
  await untilReplaced(context, moved);
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

async function update(context: OperationsContext, service: string, taskDefinition: string): Promise<void> {
  const { ecs } = await context.aws();
  const cluster = clusterName(await context.configuration());
  await ecs.send(new UpdateServiceCommand({ cluster, service, taskDefinition }));
}

async function untilReplaced(context: OperationsContext, moved: readonly Move[]): Promise<void> {
  const aws = await context.aws();
  const configuration = await context.configuration();
  const names = moved.map(({ process }) => process);
  await context.terminal.during(
    'Waiting for the containers',
    (tell) => untilSteady(aws, configuration, names, tell, context.signal),
    { goesOn: GOES_ON },
  );
}
